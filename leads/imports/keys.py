"""By what a row is known again (I6): the keys that the company lets count; with none of them, all it says."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import md5
from typing import NamedTuple

from leads.imports.matching import EMAIL, PHONE
from leads.imports.values import Draft
from leads.merging.keys import Key, keys_of

ROW = "row"
SAME = {EMAIL: "the same e-mail", PHONE: "the same phone", ROW: "the same values"}


class RowKey(NamedTuple):
    """A key with its digest of 32 hexadecimal digits, by which it is remembered."""

    key: Key
    digest: str

    @property
    def words(self) -> str:
        return SAME[self.key.kind] + (" and name" if self.key.name is not None else "")


def row_keys(draft: Draft, counting: Iterable[str]) -> list[RowKey]:
    keys = keys_of(counting, draft.points, draft.name)
    return [_with_digest(key) for key in keys] or [_with_digest(Key(ROW, _all_of(draft), None))]


def _all_of(draft: Draft) -> str:
    said = (sorted(draft.fields.items()), sorted(draft.custom.items()))
    return repr((*said, sorted(draft.points)) if draft.points else said)


def _with_digest(key: Key) -> RowKey:
    text = f"{key.kind} {key.value} {(key.name or '').lower()}"
    return RowKey(key, md5(text.encode(), usedforsecurity=False).hexdigest())
