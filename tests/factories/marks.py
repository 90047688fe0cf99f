"""Leads of which every column says whose it is, so that any answer shows which leads it speaks of, and how much of them.

Each field has a spelling of its own: what a page repeats of a question can be told from what it says.
"""

from __future__ import annotations

import re
from typing import Any

SHOWN = re.compile(r"shown(\d+)x", re.IGNORECASE)
CONCEALED = re.compile(r"secret(\d+)x|201\D{0,4}555\D{0,2}1(\d{3})|7,?654,?(\d{3})", re.IGNORECASE)

Told = dict[int, str]  # number of a lead → `redacted` or `view`


def told(text: str, *but: str) -> Told:
    """What a text says of which leads, `but` for these words: what a redacted lead shows, or something it conceals."""
    for words in but:
        text = text.replace(words, "")
    concealed = {int(next(filter(None, found))) for found in CONCEALED.findall(text)}
    shown = {int(number) for number in SHOWN.findall(text)}
    return {number: "view" if number in concealed else "redacted" for number in shown | concealed}


def public_id(number: int) -> str:
    return f"secRet{number:05d}x"  # as long as any


def tag(number: int) -> str:
    return f"sEcret{number}x"


def state(number: int) -> str:
    return f"seCret{number}x"


def source(number: int) -> str:
    return f"SEcret{number}x"


def note(number: int) -> str:
    return f"seCRet{number}x"


def email(number: int) -> str:
    return f"secret{number}x@mail.example"


def phone(number: int) -> str:
    return f"201555{1000 + number}"


def columns(number: int) -> dict[str, Any]:
    """Of the lead itself, its source left out."""
    return {
        "public_id": public_id(number),
        "first_name": f"Shown{number}x",
        "last_name": f"Secret{number}x",
        "company_name": f"Secret{number}x Ltd",
        "street": f"1 Secret{number}x Street",
        "city": f"Secret{number}x",
        "state": state(number),
        "postal_code": f"secreT{number}x",
        "tags": [tag(number)],
        "custom": {"hobby": f"Secret{number}x"},
        "price_min": 7_654_000 + number,
    }
