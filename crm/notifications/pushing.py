"""Notifications by web push: encrypted for one browser, signed with the installation's key, left at its push service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cache
from http.client import HTTPException
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.crypto import salted_hmac
from py_vapid import Vapid
from py_vapid.utils import b64urlencode

from crm.core.outgoing import Answer, NotPublicError, post
from crm.notifications.devices import is_signed_in
from crm.notifications.models import Delivery, Notification, PushSubscription
from crm.notifications.outcomes import SENT, Outcome, ended, failed, later
from crm.notifications.standing import seconds_left
from crm.notifications.subjects import Notice, notices_of

AT_ONCE = 10
LONGEST = 28 * 24 * 3600  # seconds that push services keep a message
MOST_BODY = 500  # letters; all of it has to fit into 4 kB
MOST_FAILURES = 10  # refusals in a row, after which a device is given up
GONE = {404, 410}


@dataclass(frozen=True)
class Parcel:
    endpoint: str
    body: bytes
    headers: dict[str, str]


def deliver(deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, Outcome]]:
    """What each device may show is read here; the push services are spoken with several at a time."""
    under_way: list[tuple[Delivery, Future[Answer]]] = []
    with ThreadPoolExecutor(AT_ONCE, "push") as threads:
        for delivery, notice in zip(deliveries, notices_of([one.notification for one in deliveries]), strict=True):
            parcel = _packed(delivery, notice)
            if isinstance(parcel, Parcel):
                sending = threads.submit(post, parcel.endpoint, parcel.body, parcel.headers)
                under_way.append((delivery, sending))
            else:
                yield delivery, parcel
        for delivery, sending in under_way:
            yield delivery, _answered(delivery, sending)


def _packed(delivery: Delivery, notice: Notice) -> Parcel | Outcome:
    """What is to be sent; or why nothing is."""
    notification, device = delivery.notification, _device_of(delivery)
    if not notification.user.is_active:
        device.delete()
    if not is_signed_in(notification.user, device):
        return ended("not signed in there")
    left = min(seconds_left(notification), LONGEST)
    if left <= 0:
        return ended("over")
    try:
        return Parcel(
            device.endpoint, _encrypted(device, _shown(notification, notice)), _headers(device, notification, left)
        )
    except Exception as error:  # one that cannot be written holds up nobody else's
        return later(error)


def _device_of(delivery: Delivery) -> PushSubscription:
    assert delivery.subscription is not None  # the constraint delivery_push_has_device
    return delivery.subscription


def _shown(notification: Notification, notice: Notice) -> bytes:
    """What static/js/worker.js shows, once it has made sure that `person` is still signed in there."""
    words = {
        "title": notice.title,
        "body": notice.body[:MOST_BODY],
        "url": notice.url or reverse("notifications"),
        "tag": _topic(notification) or str(notification.pk),
        "person": str(notification.user_id),
    }
    return json.dumps(words, ensure_ascii=False).encode()


def _encrypted(device: PushSubscription, words: bytes) -> bytes:
    from pywebpush import WebPusher  # a third of a second and two HTTP clients, for workers only

    keys = {"p256dh": device.p256dh, "auth": device.auth}
    body: bytes = WebPusher({"endpoint": device.endpoint, "keys": keys}).encode(words)["body"]
    return body


def _headers(device: PushSubscription, notification: Notification, left: int) -> dict[str, str]:
    topic = _topic(notification)
    return {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(left),
        "Urgency": "high" if notification.kind == "offer" else "normal",
        **({"Topic": topic} if topic else {}),
        **_signature(device.endpoint),
    }


def _topic(notification: Notification) -> str:
    """Of two messages of a kind about one lead, a device that was off shows the newer. Says nothing to the push service."""
    if notification.lead_id is None:
        return ""
    about = f"{notification.user_id}.{notification.kind}.{notification.lead_id}"
    return salted_hmac("crm.notifications.topic", about).hexdigest()[:32]


@cache
def _signer(key: str) -> Any:
    return Vapid.from_raw(key.encode())


def public_key() -> str:
    """By which browsers let this installation alone push to them."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = _signer(settings.PUSH_KEY).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    words: str = b64urlencode(point)
    return words


def _signature(endpoint: str) -> dict[str, str]:
    scheme, _, rest = endpoint.partition("://")
    claims = {
        "aud": f"{scheme}://{rest.partition('/')[0]}",
        "sub": f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
        "exp": int(time.time()) + 12 * 3600,
    }
    signed: dict[str, str] = _signer(settings.PUSH_KEY).sign(claims)
    return signed


def _answered(delivery: Delivery, sending: Future[Answer]) -> Outcome:
    device = PushSubscription.objects.filter(pk=_device_of(delivery).pk)
    try:
        answer = sending.result()
    except (NotPublicError, ValueError) as error:
        return _refused(device, f"not asked: {error}")
    except (OSError, HTTPException) as error:
        device.update(failures=F("failures") + 1)
        return later(error)
    if answer.status in GONE:
        device.delete()
        return ended("the browser has ended it")
    if 200 <= answer.status < 300:
        device.update(last_success_at=Now(), failures=0)
        return SENT
    if answer.status == 429 or answer.status >= 500:
        device.update(failures=F("failures") + 1)
        return later(f"it answered {answer.status}", answer.retry_after)
    return _refused(device, f"it answered {answer.status}")


def _refused(device: Any, why: str) -> Outcome:
    """Trying again would not help; a device of which only refusals come is given up."""
    device.update(failures=F("failures") + 1)
    device.filter(failures__gte=MOST_FAILURES).delete()
    return failed(why)
