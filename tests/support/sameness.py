"""What two answers are compared by: without what is new in each, and the shapes of the queries behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

TOKEN = re.compile(
    r'(?<="X-CSRFToken": ")\w+|(?<=name="csrfmiddlewaretoken" value=")\w+|(?<=name="token" value=")[\w-]+'
)
VALUE = re.compile(r"""'[^']*'|"s\d+_x\d+"|\b\d+\b""")


def without_tokens(text: str) -> str:
    return TOKEN.sub("", text)


@contextmanager
def shapes_asked() -> Iterator[list[str]]:
    """The statements sent meanwhile, without their values; unlike `connection.queries`, without an end."""
    shapes: list[str] = []

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        shapes.append(VALUE.sub("?", str(sql)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield shapes
