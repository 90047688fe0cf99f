"""The key by which push services know the installation (VAPID). Read by the settings."""

from __future__ import annotations

import re

from django.core.exceptions import ImproperlyConfigured


def make_push_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from py_vapid.utils import b64urlencode

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    words: str = b64urlencode(number.to_bytes(32, "big"))
    return words


def push_key(text: str) -> str:
    """The private key as the browsers' tools write it: 32 bytes as 43 letters, digits, - and _."""
    if not re.fullmatch(r"[\w-]{43}", text.strip(), re.ASCII):
        raise ImproperlyConfigured("PUSH_KEY must be a private VAPID key: 43 letters, digits, - and _.")
    return text.strip()
