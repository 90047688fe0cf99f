"""Asking a person who is to leave to take a copy of her own leads along (O4), and her answer."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing
from django.urls import reverse

from crm.notifications.services import Message, notify
from crm.organization.models import User

SALT = "take-along"
LASTS = timedelta(days=14)
BODY = "Your own leads stay yours when you leave. Fetch a copy while you can sign in: {} prepares your departure."


def ask_to_take(*, actor: User, person: User) -> None:
    """Tell her, with a link that is of use to her alone. The caller has made sure that the actor may."""
    url = reverse("departure-copy", args=[signing.dumps(person.pk, salt=SALT)])
    notify(person.company_id, [Message(person.pk, "departure", "Take a copy of your leads", BODY.format(actor), url)])


def is_asked(person: User, token: str) -> bool:
    try:
        return bool(signing.loads(token, salt=SALT, max_age=LASTS) == person.pk)
    except signing.BadSignature:
        return False
