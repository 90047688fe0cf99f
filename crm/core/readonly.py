"""A GET cannot write: reading a page changes nothing, except session and sign-in rows, and when a token was last used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
MAY_BE_WRITTEN = re.compile(r'"(django_session|account_\w+|mfa_\w+|permissions_apitoken)"')
WRITES = re.compile(
    r"""(\s | /\*.*?\*/ | --[^\n]*\n)*  # comments before the statement
    ((INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY\b.+\bFROM)\b | WITH\b.*\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\b)
    | .*\bFOR\s+(NO\s+KEY\s+)?UPDATE\b""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


class WriteInReadError(RuntimeError):
    """A page that only reads tried to write."""


def refuse_writes(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    text = str(sql)
    if WRITES.match(text) and not MAY_BE_WRITTEN.search(text):
        raise WriteInReadError(f"a GET request tried to write: {text[:120]}")
    return execute(sql, params, many, context)


class ReadOnlyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in SAFE_METHODS:
            return self.get_response(request)
        with connection.execute_wrapper(refuse_writes):
            return self.get_response(request)
