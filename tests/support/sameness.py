"""What two answers are compared by: without what is new in each, and the shapes of the queries behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable

TOKEN = re.compile(r'(?<="X-CSRFToken": ")\w+|(?<=name="csrfmiddlewaretoken" value=")\w+')
VALUE = re.compile(r"""'[^']*'|"s\d+_x\d+"|\b\d+\b""")


def without_tokens(text: str) -> str:
    return TOKEN.sub("", text)


def shapes_of(queries: Iterable[dict[str, str]]) -> list[str]:
    """The statements without their values."""
    return [VALUE.sub("?", query["sql"]) for query in queries]
