"""The ledger as a CSV: the same facts as on the page, with the same silence about leads one may not see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from html import unescape
from typing import Any

from django.db import transaction
from django.forms import CharField, ChoiceField, Field, Form
from django.utils.choices import flatten_choices
from django.utils.formats import date_format
from django.utils.html import strip_tags

from crm.organization.models import User
from leads.exporting import in_ledger
from leads.ledger.reading import Question, Row, all_rows
from leads.spreadsheet import csv_lines
from permissions.access import Keyring
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry

HEADER = ("Time (UTC)", "Fact", "In words", "Lead", "Slot or role", "Why", "Mass action")
CONCEALED = "About a lead you may not see"


@transaction.atomic
def record_export(actor: User, form: Form, count: int) -> None:
    """That she took so many rows of the ledger out, and what she asked for."""
    asked = {name: _said(form.fields[name], value) for name, value in form.cleaned_data.items() if value}
    kind, detail = LedgerEntry.Kind.EXPORTED, {"count": count, **in_ledger(asked)}
    record(Fact(company_id=actor.company_id, kind=kind, actor_id=actor.pk, why="ledger", detail=detail))


def _said(field: Field, value: Any) -> str:
    """What was chosen, in words; of what was typed nothing, for it may name a person."""
    if type(field) is CharField:
        return ""
    if isinstance(value, date):
        return date_format(value, "M j, Y")
    if type(field) is ChoiceField:
        choices: Any = field.choices
        return str(dict(flatten_choices(choices))[value])
    return str(value)


def ledger_lines(keyring: Keyring, question: Question) -> Iterator[str]:
    """The CSV line by line, newest first."""
    return csv_lines(HEADER, (cells_of(row) for row in all_rows(keyring, question)))


def cells_of(row: Row) -> list[str]:
    at = row.at.astimezone(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    if row.entry is None:
        return [at, row.kind, CONCEALED, "", "", "", ""]
    entry = row.entry
    return [
        at,
        row.kind,
        _plain(row),
        row.url.rstrip("/").rpartition("/")[2],
        entry.role,
        entry.why,
        row.batch,
    ]


def _plain(row: Row) -> str:
    return unescape(strip_tags(row.line))
