"""Keyset paging: a page starts after a key, never after a number of rows, and its address does not show the key."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db.models import F, Model, Q, QuerySet
from django.utils.crypto import salted_hmac

M = TypeVar("M", bound=Model)


def _cipher() -> Fernet:
    key = salted_hmac("crm.core.pagination", "cursor", algorithm="sha256", secret=settings.SECRET_KEY).digest()
    return Fernet(urlsafe_b64encode(key))


def write_cursor(values: list[Any]) -> str:
    """An opaque cursor of the sort key's values (dates become ISO text)."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return _cipher().encrypt(zlib.compress(json.dumps(plain).encode())).decode().rstrip("=")


def read_cursor(text: str) -> list[Any] | None:
    """The values of a cursor, or None where it is not one of ours."""
    try:
        padded = text + "=" * (-len(text) % 4)
        urlsafe_b64decode(padded)
        values = json.loads(zlib.decompress(_cipher().decrypt(padded.encode())))
    except (InvalidToken, ValueError, zlib.error):
        return None
    return values if isinstance(values, list) else None


@dataclass(frozen=True)
class Page(Generic[M]):
    rows: list[M]
    next_cursor: str
    is_first: bool


def keyset_page(rows: QuerySet[M], *, sort: str, descending: bool, cursor: str, size: int = 50) -> Page[M]:
    """The page of `rows` after `cursor`, ordered by the not-null column `sort`, then by id in the same direction."""
    values = read_cursor(cursor) if cursor else None
    if values is not None and len(values) == 2:
        side = "lt" if descending else "gt"
        # the plain bound on the first column is what the index can start from
        rows = rows.filter(**{f"{sort}__{side}e": values[0]}).filter(
            Q(**{f"{sort}__{side}": values[0]}) | Q(**{sort: values[0], f"pk__{side}": values[1]})
        )
    order = [F(sort).desc(), F("pk").desc()] if descending else [F(sort).asc(), F("pk").asc()]
    found = list(rows.order_by(*order)[: size + 1])
    more = len(found) > size
    found = found[:size]
    last = write_cursor([getattr(found[-1], sort), found[-1].pk]) if more else ""
    return Page(rows=found, next_cursor=last, is_first=values is None)


def capped_count(rows: QuerySet[Any], cap: int = 10_000) -> tuple[int, bool]:
    """How many rows, counted to `cap` at most; the flag says that there are more."""
    counted = rows.order_by().values("pk")[: cap + 1].count()
    return min(counted, cap), counted > cap
