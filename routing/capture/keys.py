"""Who may send to a channel (C5): by its secret, in the address or a header, or by a signature made with it.

The secret is compared in constant time. The one before it is still good for a while after it was changed.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.http import HttpRequest, QueryDict

from routing.models import Channel

OLD_LASTS = timedelta(days=7)
SIGNATURES = ("X-Hub-Signature-256", "X-Signature-256", "X-Signature")
HEADER = "X-Channel-Key"


def new_secret() -> str:
    return token_urlsafe(24)


def has_old_key(channel: Channel, now: datetime) -> bool:
    """Whether the secret before is still good."""
    return bool(channel.old_secret) and channel.old_until is not None and channel.old_until > now


def ending_of(channel: Channel) -> str:
    """Which secret before it is, without telling it."""
    return channel.old_until.isoformat() if channel.old_until else ""


def keys_of(channel: Channel, now: datetime) -> list[str]:
    """The secrets that are good now."""
    old = channel.old_until is not None and channel.old_until > now
    return [channel.secret, channel.old_secret] if old else [channel.secret]


def has_key(request: HttpRequest) -> bool:
    """Whether anything was sent that could be a key or a signature."""
    return is_signed(request) or next(_sent(request), None) is not None


def is_signed(request: HttpRequest) -> bool:
    """Whether the body is needed to tell who sends."""
    return next(_signatures(request), None) is not None


def admits(channel: Channel, request: HttpRequest, body: bytes, now: datetime) -> bool:
    """Whether the sender knows the secret. Facebook signs with its own, and nothing else will do; others may do either."""
    keys, vendors = keys_of(channel, now), [channel.signing_secret] if channel.signing_secret else []
    only_signed = channel.kind == Channel.Kind.FACEBOOK
    for signature in _signatures(request):
        signing = vendors if only_signed else [*vendors, *keys]
        return any(hmac.compare_digest(signature, _sign(key, body)) for key in signing)
    if only_signed:
        return False
    return any(hmac.compare_digest(sent.encode(), key.encode()) for sent in _sent(request) for key in keys)


def admits_subscription(channel: Channel, token: str, now: datetime) -> bool:
    """Whether Facebook's question carries the word that was set with it."""
    return any(hmac.compare_digest(token.encode(), key.encode()) for key in keys_of(channel, now))


def _sign(key: str, body: bytes) -> str:
    return hmac.new(key.encode(), body, sha256).hexdigest()


def _signatures(request: HttpRequest) -> Iterator[str]:
    for name in SIGNATURES:
        if text := request.headers.get(name, ""):
            yield text.removeprefix("sha256=").strip().lower().encode("ascii", "replace").decode()


def _sent(request: HttpRequest) -> Iterator[str]:
    """Keys in the address, in a header of ours, and as the user name or token of HTTP's own."""
    asked = QueryDict(request.META.get("QUERY_STRING", ""), encoding="utf-8")  # whatever the body is written in
    yield from filter(None, (asked.get("key", ""), request.headers.get(HEADER, "")))
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and rest:
        yield rest.strip()
    elif scheme.lower() == "basic":
        try:
            yield b64decode(rest, validate=True).decode().partition(":")[0]
        except (Error, ValueError):
            return
