"""Channels to send to, and what is sent."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any

from django.test import Client

from crm.organization.models import Unit, User
from permissions.catalog import Permission
from permissions.models import Profile
from permissions.profiles.services import give_profile
from routing.capture.taking import take_in_waiting
from routing.models import Channel
from tests.factories.people import fresh

SECRET = "a-key-that-is-long-enough-1234"


def make_channel(owner: Unit | User, kind: str = "json", **fields: Any) -> Channel:
    of_unit = isinstance(owner, Unit)
    owned = {"owner_unit": owner, "routing_unit": owner} if of_unit else {"owner_user": owner}
    boss = owner if isinstance(owner, User) else User.objects.filter(company=owner.company_id).order_by("pk")[0]
    values = {"kind": kind, "name": "Website", "secret": SECRET, "created_by": boss, **owned, **fields}
    channel = Channel.objects.create(company_id=owner.company_id, **values)
    channel.refresh_from_db()
    return channel


def let_hide(user: User) -> User:
    """Give her a profile that also lets her hide leads."""
    held = user.holding.profile.permissions
    values = {"code": f"hider-{user.pk}", "name": f"Hider {user.pk}", "permissions": [*held, Permission.HIDE_LEAD]}
    profile = Profile.objects.create(company=user.company, **values)
    give_profile(user, profile.code)
    return fresh(user)


def address_of(channel: Channel, key: str = SECRET) -> str:
    return f"/in/{channel.public_id}/" + (f"?key={key}" if key else "")


def send(channel: Channel, body: Any, content_type: str = "application/json", key: str = SECRET, **headers: str) -> Any:
    """What the sender is answered."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Client().generic("POST", address_of(channel, key), raw, content_type=content_type, headers=headers)


def take_all_in() -> None:
    while take_in_waiting():
        pass


def signed(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
