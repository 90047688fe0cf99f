"""How calls and texts leave the house (D16): one port, and a file for each provider behind it."""

from __future__ import annotations

from dialer.models import PhoneAccount
from dialer.providers.link import LinkProvider
from dialer.providers.port import Provider
from dialer.providers.twilio import TwilioProvider


def account_of(company_id: int) -> PhoneAccount | None:
    """The company's account with a provider, where it has one and calls by it."""
    return PhoneAccount.objects.filter(company=company_id, active=True).first()


def provider_for(account: PhoneAccount | None) -> Provider:
    return TwilioProvider(account) if account else LinkProvider()
