"""Keyset paging: a page starts after a key, never after a number of rows, and its address does not show the key."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db.models import F, Model, OrderBy, Q, QuerySet
from django.utils.crypto import salted_hmac

M = TypeVar("M", bound=Model)
FEW = 3_000


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


class UnknownCursorError(ValueError):
    """A cursor that is none of this list, or of another order of it."""


def keyset_page(
    rows: QuerySet[M],
    *,
    sort: str,
    descending: bool,
    cursor: str,
    size: int = 50,
    count: int | None = None,
    strict: bool = False,
) -> Page[M]:
    """The page of `rows` after `cursor`, ordered by the not-null column `sort`, then by id in the same direction.

    Say the `count` where you have it. PostgreSQL likes to walk along the sort's index until a page is full, which takes
    forever where few rows match or all of them are old; few rows are better found first and sorted then.

    With an unknown cursor a person begins anew; a program never would end, so `strict` raises UnknownCursorError.
    """
    along = f"-{sort}" if descending else sort
    values = _after(cursor, along)
    if strict and cursor and values is None:
        raise UnknownCursorError
    if values is not None:
        side = "lt" if descending else "gt"
        # the plain bound on the first column is what the index can start from
        rows = rows.filter(**{f"{sort}__{side}e": values[0]}).filter(
            Q(**{f"{sort}__{side}": values[0]}) | Q(**{sort: values[0], f"pk__{side}": values[1]})
        )
    found = list(rows.order_by(*_order(sort, descending, few=count is not None and count <= FEW))[: size + 1])
    more = len(found) > size
    found = found[:size]
    last = write_cursor([along, getattr(found[-1], sort), found[-1].pk]) if more else ""
    return Page(rows=found, next_cursor=last, is_first=values is None)


def keyset_along(rows: QuerySet[M], *, along: Sequence[str], cursor: str, size: int = 50) -> Page[M]:
    """The page of `rows` after `cursor` along several not-null columns, such as `-priority`; the last is unique."""
    values = read_cursor(cursor) if cursor else None
    known = values is not None and values[: len(along)] == [*along] and len(values) == 2 * len(along)
    if values is not None and known:
        after, same = Q(), dict[str, Any]()
        for name, value in zip(along, values[len(along) :], strict=True):
            column = name.removeprefix("-")
            after |= Q(**same, **{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
            same[column] = value
        rows = rows.filter(after)
    found = list(rows.order_by(*along)[: size + 1])
    last = [getattr(found[size - 1], name.removeprefix("-")) for name in along] if len(found) > size else []
    return Page(rows=found[:size], next_cursor=write_cursor([*along, *last]) if last else "", is_first=not known)


def _after(cursor: str, along: str) -> tuple[Any, Any] | None:
    """Value and id to start after; None at the beginning, and for a cursor of another sort or direction."""
    values = read_cursor(cursor) if cursor else None
    return (values[1], values[2]) if values is not None and len(values) == 3 and values[0] == along else None


def _order(sort: str, descending: bool, *, few: bool) -> list[OrderBy]:
    """By `sort`, then by id. For few rows it says where nulls go, though there are none: no index has that order."""
    if descending:
        return [F(sort).desc(nulls_last=few or None), F("pk").desc()]
    return [F(sort).asc(nulls_first=few or None), F("pk").asc()]


def capped_count(rows: QuerySet[Any], cap: int = 10_000) -> tuple[int, bool]:
    """How many rows, counted to `cap` at most; the flag says that there are more."""
    counted = rows.order_by().values("pk")[: cap + 1].count()
    return min(counted, cap), counted > cap
