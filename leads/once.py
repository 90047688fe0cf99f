"""A form sent twice by a double click counts once: each carries a token that only the first sending may use."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache

REMEMBERED = 3600  # seconds


def new_token() -> str:
    return secrets.token_urlsafe(9)


@contextmanager
def once(user_id: int, token: str) -> Iterator[bool]:
    """Whether this is the first sending of the token. What fails inside may be sent again; no cache, no memory."""
    key = f"once:{user_id}:{token}"
    if token and not cache.add(key, 1, REMEMBERED) and cache.get(key) is not None:
        yield False
        return
    try:
        yield True
    except BaseException:
        cache.delete(key)
        raise
