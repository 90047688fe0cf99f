"""Leads as rows of a file (I2): which columns there are, and the rows of an export, read as they are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Prefetch

from crm.organization.models import User
from leads.models import Batch, BatchItem, ContactPoint, CustomField, Lead
from leads.querysets import LeadQuerySet
from leads.spreadsheet import csv_lines
from leads.xlsx import Cell, workbook
from permissions.access import Keyring
from permissions.keyring import load_keyring
from permissions.verbs import Verb

AT_ONCE = 1000
CUSTOM = "custom:"
NAMES = ("stage", "source", "owner_unit", "owner_user", "agent", "origin_unit")


def in_ledger(asked: Mapping[str, str]) -> dict[str, Any]:
    """What the ledger keeps of the filters of an export: their names, and of those that have one the value in words."""
    said = {name: words for name, words in asked.items() if words}
    return {"filters": sorted(asked), **({"said": said} if said else {})}


def _points(lead: Lead, kind: str) -> str:
    return "; ".join(point.value for point in lead.points if point.kind == kind)


def _time(moment: datetime | None) -> Cell:
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0) if moment else ""


def _number(value: int | None) -> Cell:
    return "" if value is None else value


COLUMNS: Mapping[str, tuple[str, Callable[[Lead], Cell]]] = {
    "first_name": ("First name", lambda lead: lead.first_name),
    "last_name": ("Last name", lambda lead: lead.last_name),
    "company_name": ("Company name", lambda lead: lead.company_name),
    "phones": ("Phone", lambda lead: _points(lead, ContactPoint.Kind.PHONE)),
    "emails": ("E-mail", lambda lead: _points(lead, ContactPoint.Kind.EMAIL)),
    "street": ("Address", lambda lead: lead.street),
    "city": ("City", lambda lead: lead.city),
    "state": ("State", lambda lead: lead.state),
    "postal_code": ("Postal code", lambda lead: lead.postal_code),
    "time_zone": ("Time zone", lambda lead: lead.time_zone),
    "language": ("Language", lambda lead: lead.language),
    "kind": ("Type", lambda lead: lead.get_kind_display()),
    "source": ("Source", lambda lead: str(lead.source or "")),
    "stage": ("Stage", lambda lead: lead.stage.name),
    "tags": ("Tags", lambda lead: ", ".join(lead.tags)),
    "score": ("Score", lambda lead: lead.score),
    "price_min": ("Price from", lambda lead: _number(lead.price_min)),
    "price_max": ("Price to", lambda lead: _number(lead.price_max)),
    "do_not_call": ("Do not call", lambda lead: "yes" if lead.do_not_call else ""),
    "owner": ("Owned by", lambda lead: str(lead.owner)),
    "agent": ("Assigned to", lambda lead: str(lead.agent or "")),
    "origin": ("Origin", lambda lead: f"Company: {lead.origin_unit}" if lead.origin_unit else "Agent"),
    "hidden": ("Hidden", lambda lead: "yes" if lead.hidden else ""),
    "created_at": ("Added (UTC)", lambda lead: _time(lead.created_at)),
    "last_activity_at": ("Last activity (UTC)", lambda lead: _time(lead.last_activity_at)),
    "last_contact_at": ("Last contact (UTC)", lambda lead: _time(lead.last_contact_at)),
}


def columns_for(company_id: int) -> dict[str, str]:
    """The columns to choose from, with their labels; the company's own fields last."""
    own = CustomField.objects.filter(company=company_id).order_by("label", "pk").values_list("key", "label")
    return {code: label for code, (label, _) in COLUMNS.items()} | {f"{CUSTOM}{key}": label for key, label in own}


def still_in_file(batch: Batch, keyring: Keyring) -> LeadQuerySet:
    """Of the leads that were exported, those that she may export now."""
    changed = batch.items.filter(outcome=BatchItem.Outcome.CHANGED)
    return Lead.objects.doable_by(keyring, Verb.EXPORT).filter(pk__in=changed.values("lead"))


def lines_of_file(batch: Batch, viewer: User) -> Iterator[str] | Iterator[bytes]:
    """The file of an export, piece by piece. Each stretch asks anew which of the leads she may export."""
    labels, dates = columns_for(batch.company_id), _dates_of(batch.company_id)
    chosen = [code for code in batch.params["columns"] if code in labels]
    header, rows = [labels[code] for code in chosen], _rows(batch, viewer, chosen, dates)
    if batch.params["format"] == "xlsx":
        return workbook(_with(header, rows))
    return csv_lines(header, (map(str, row) for row in rows))


def _with(header: Sequence[Cell], rows: Iterator[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield header
    yield from rows


def _dates_of(company_id: int) -> frozenset[str]:
    """The company's own fields that hold days."""
    days = CustomField.objects.filter(company=company_id, kind=CustomField.Kind.DATE).order_by("pk")
    return frozenset(f"{CUSTOM}{key}" for key in days.values_list("key", flat=True))


def _rows(batch: Batch, viewer: User, chosen: Sequence[str], dates: frozenset[str]) -> Iterator[Sequence[Cell]]:
    reached, changed = 0, batch.items.filter(outcome=BatchItem.Outcome.CHANGED).order_by("number")
    while True:
        step = list(changed.filter(number__gt=reached).values_list("number", "lead_id")[:AT_ONCE])
        actor = User.objects.select_related("company", "holding__profile").get(pk=viewer.pk)
        allowed = Lead.objects.doable_by(load_keyring(actor), Verb.EXPORT)
        leads = allowed.filter(pk__any_of=[pk for _, pk in step]).order_by("pk")
        points = Prefetch("contact_points", ContactPoint.objects.order_by("position", "pk"), to_attr="points")
        # not joined: each stage and unit is made once
        for lead in leads.prefetch_related(points, *NAMES):  # type: ignore[no-redef]  # declared there
            yield [_value(lead, code, is_day=code in dates) for code in chosen]
        if len(step) < AT_ONCE:
            return
        reached = step[-1][0]


def _value(lead: Lead, code: str, *, is_day: bool) -> Cell:
    if not code.startswith(CUSTOM):
        return COLUMNS[code][1](lead)
    text = str(lead.custom.get(code.removeprefix(CUSTOM), ""))
    return (is_day and _day(text)) or text


def _day(text: str) -> date | None:
    """What is written as a day; an import keeps what it cannot read as it is."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
