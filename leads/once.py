"""A form sent twice by a double click counts once: each carries a token that a sending uses up for what it says.

Said otherwise it counts again: who goes back in her browser has the old token before her, and new words.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from django.core.cache import cache
from django.http import QueryDict

REMEMBERED = 3600  # seconds
MASKED = "csrfmiddlewaretoken"  # another one each time the form is shown


def new_token() -> str:
    return secrets.token_urlsafe(9)


@contextmanager
def once(user_id: int, sent: QueryDict) -> Iterator[bool]:
    """Whether this is the first sending of the form. What fails inside may be sent again; no cache, no memory."""
    said = repr(sorted((name, values) for name, values in sent.lists() if name != MASKED))
    key = f"once:{user_id}:{sha256(said.encode(errors='replace')).hexdigest()}"
    if sent.get("token") and not cache.add(key, 1, REMEMBERED) and cache.get(key) is not None:
        yield False
        return
    try:
        yield True
    except BaseException:
        cache.delete(key)
        raise
