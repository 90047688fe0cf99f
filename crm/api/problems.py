"""Refusals in one shape: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from ninja import Schema

from crm.core import problems


class FieldProblem(Schema):
    """What is wrong with one part of a request. `field` is the way to it, such as `leads.3.emails.0`."""

    field: str
    detail: str


class Problem(Schema):
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


PROBLEMS: Mapping[Any, type[Problem]] = {
    frozenset({400, 401, 403, 404, 405, 413, 422, 429}): Problem,
}


class RefusedError(Exception):
    """A request that cannot be done, with the status it is answered by."""

    def __init__(self, status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


def problem(
    status: int, detail: str, errors: Sequence[FieldProblem] = (), headers: Mapping[str, str] | None = None
) -> HttpResponse:
    return problems.problem(status, detail, [one.model_dump() for one in errors], headers)


def plain(said: str) -> str:
    """A refusal of our own as we wrote it: the library that reads requests puts a word of its own before."""
    return said.removeprefix("Value error, ")
