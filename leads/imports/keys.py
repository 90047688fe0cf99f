"""By what a row is known again (I6): each e-mail, each phone together with the name, or with neither all it says."""

from __future__ import annotations

from hashlib import md5
from typing import NamedTuple

from leads.imports.matching import EMAIL, PHONE
from leads.imports.values import Draft

ROW = "row"
SAME = {EMAIL: "the same e-mail", PHONE: "the same phone and name", ROW: "the same values"}


class Key(NamedTuple):
    """`name` goes with phones and is in lower case; `digest` has 32 hexadecimal digits."""

    kind: str
    value: str
    name: str
    digest: str


def keys_of(draft: Draft) -> list[Key]:
    name = draft.name.lower()
    keys = [_key(kind, value, "" if kind == EMAIL else name) for kind, value in draft.points]
    return keys or [_key(ROW, repr((sorted(draft.fields.items()), sorted(draft.custom.items()))), "")]


def _key(kind: str, value: str, name: str) -> Key:
    text = f"{kind} {value} {name}"
    return Key(kind, value, name, md5(text.encode(), usedforsecurity=False).hexdigest())
