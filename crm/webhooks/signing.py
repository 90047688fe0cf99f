"""Secrets and signatures by the Standard Webhooks scheme (standardwebhooks.com)."""

from __future__ import annotations

import secrets
from base64 import b64encode
from datetime import datetime

import standardwebhooks

from crm.webhooks.models import Webhook, WebhookDelivery

BYTES = 32


def new_secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(BYTES)).decode()}"


def headers_of(webhook: Webhook, delivery: WebhookDelivery, body: str, now: datetime) -> dict[str, str]:
    """With a signature by each secret that is good at this moment."""
    good = [webhook.secret, *([webhook.old_secret] if webhook.old_until and webhook.old_until > now else [])]
    signatures = [standardwebhooks.Webhook(secret).sign(delivery.message_id, now, body) for secret in good]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Fairlead",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
