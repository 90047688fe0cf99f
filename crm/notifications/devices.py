"""The browsers in which a person is told by web push."""

from __future__ import annotations

import re

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from crm.notifications.models import PushSubscription
from crm.organization.models import User

MOST = 10  # devices a person; the one not reached for longest makes room
BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Chromebook", r"CrOS"),
    ("Mac", r"Macintosh"),
    ("Linux", r"Linux"),
)


def device_in(user_agent: str) -> str:
    """A browser as its person would call it: "Firefox on Android"."""

    def first(names: tuple[tuple[str, str], ...], otherwise: str) -> str:
        return next((name for name, sign in names if re.search(sign, user_agent)), otherwise)

    return f"{first(BROWSERS, 'A browser')} on {first(SYSTEMS, 'some device')}"


def devices_of(user: User) -> QuerySet[PushSubscription]:
    return PushSubscription.objects.filter(user=user, company=user.company_id).order_by("-pk")


@transaction.atomic
def tell_on(
    *, user: User, session_key: str, endpoint: str, p256dh: str, auth: str, device: str, was: str = ""
) -> PushSubscription:
    """From now on she is told there, as long as this session lasts, and whoever was told there until now is not.

    `was`: the browser's own address until now.
    """
    hers = devices_of(user)
    PushSubscription.objects.filter(endpoint=endpoint).exclude(user=user).delete()
    if was not in ("", endpoint) and not hers.filter(endpoint=endpoint).exists():
        hers.filter(endpoint=was).update(endpoint=endpoint)
    now = {"session_key": session_key, "p256dh": p256dh, "auth": auth, "device": device, "failures": 0}
    told, _ = PushSubscription.objects.update_or_create(
        company=user.company, user=user, endpoint=endpoint, defaults=now
    )
    others = hers.exclude(pk=told.pk).order_by(F("last_success_at").desc(nulls_last=True), "-pk")
    PushSubscription.objects.filter(pk__in=list(others.values_list("pk", flat=True)[MOST - 1 :])).delete()
    return told


def sleep(session_key: str) -> None:
    """Whoever signs out of a browser is not told there until she is back."""
    PushSubscription.objects.filter(session_key=session_key).update(session_key="")


def is_signed_in(user: User, device: PushSubscription) -> bool:
    """Whether the device is hers, and she is still signed in there by the session with which she asked to be told."""
    if not (user.is_active and device.user_id == user.pk and device.session_key):
        return False
    session = Session.objects.filter(pk=device.session_key, expire_date__gt=timezone.now()).first()
    kept = session.get_decoded() if session else {}
    same_password = constant_time_compare(kept.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    return same_password and kept.get(SESSION_KEY) == str(user.pk)
