"""A mass action over 100,000 leads: its preview, its first progress, the change and its undo, beside the same by hand.

By hand it is one connection. Ours is measured with one worker, and with the two that `make run` has for it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.urls import reverse

from crm.bench.askers import Asker, asking
from crm.bench.database import clone, connected_to
from crm.bench.figures import Rate, Wait
from crm.organization.models import Unit
from leads.batches.drafting import confirm, draft, of_one, preview
from leads.batches.running import CHUNK, carry_on
from leads.batches.scope import matching
from leads.batches.undoing import draft_undo
from leads.models import Batch, Lead
from leads.tasks import HANDS

MOST = 100_000
# what any change of owner to the company has to do: hold the leads, change them, write the ledger; the slots stay
HOLD = "SELECT FROM leads_lead WHERE id = ANY(%(leads)s) ORDER BY id FOR NO KEY UPDATE"
MOVE = """
WITH moved AS (
    UPDATE leads_lead AS lead SET owner_unit_id = %(unit)s
    FROM leads_lead AS before WHERE before.id = lead.id AND lead.id = ANY(%(leads)s)
    RETURNING lead.id, lead.company_id, before.owner_unit_id
)
INSERT INTO permissions_ledgerentry (company_id, kind, actor_id, lead_id, from_unit_id, to_unit_id, why, batch_id)
SELECT company_id, 'owner_changed', %(actor)s, id, owner_unit_id, %(unit)s, 'by hand', 0 FROM moved ORDER BY id
"""
GIVE_BACK = """
WITH moved AS (
    UPDATE leads_lead AS lead SET owner_unit_id = entry.from_unit_id FROM permissions_ledgerentry AS entry
    WHERE entry.lead_id = ANY(%(leads)s) AND entry.why = 'by hand' AND lead.id = entry.lead_id
    RETURNING lead.id, lead.company_id, lead.owner_unit_id
)
INSERT INTO permissions_ledgerentry (company_id, kind, actor_id, lead_id, from_unit_id, to_unit_id, why, batch_id)
SELECT company_id, 'owner_changed', %(actor)s, id, %(unit)s, owner_unit_id, 'back by hand', 0 FROM moved ORDER BY id
"""


def figures(database: str) -> Iterator[Rate | Wait]:
    """Leads of some teams go to the company and back; by hand on a copy of its own, with the same rows to begin with."""
    with clone(database) as copied, connected_to(copied), asking("company admin") as asker:
        raw = by_hand(asker)
    with clone(database) as copied, connected_to(copied), asking("company admin") as asker:
        yield from in_mass(asker, raw)


def teams(asker: Asker) -> tuple[Unit, list[int]]:
    """The company's unit, and teams that own not quite 100,000 leads together."""
    units = Unit.objects.filter(company=asker.user.company_id)
    owned = Lead.objects.visible_to(asker.keyring).filter(owner_unit__in=units.filter(kind=Unit.Kind.TEAM))
    chosen: list[int] = []
    left = MOST
    for unit, count in owned.order_by("owner_unit").values_list("owner_unit").annotate(count=Count("pk")):
        if count <= left:
            chosen.append(unit)
            left -= count
    return units.get(kind=Unit.Kind.COMPANY), chosen


def by_hand(asker: Asker) -> tuple[float, float]:
    """Leads a second, there and back."""
    unit, chosen = teams(asker)
    found = Lead.objects.visible_to(asker.keyring).filter(owner_unit__in=chosen)
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    params: dict[str, Any] = {"unit": unit.pk, "actor": asker.user.pk}
    there, back = (len(ids) / seconds(partial(_in_chunks, ids, statement, params)) for statement in (MOVE, GIVE_BACK))
    return there, back


def _in_chunks(ids: list[int], statement: str, params: dict[str, Any]) -> None:
    for first in range(0, len(ids), CHUNK):
        params["leads"] = ids[first : first + CHUNK]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(HOLD, params)
            cursor.execute(statement, params)


def in_mass(asker: Asker, raw: tuple[float, float]) -> Iterator[Rate | Wait]:
    unit, chosen = teams(asker)
    scope = matching("&".join(f"owner=unit-{pk}" for pk in chosen))
    params = {"to": f"unit-{unit.pk}", "keep_assistants": False}
    begin(asker, params, chosen)
    for hands in (1, HANDS):
        yield from there_and_back(asker, scope, params, raw, hands)


def there_and_back(
    asker: Asker, scope: dict[str, Any], params: dict[str, Any], raw: tuple[float, float], hands: int
) -> Iterator[Rate | Wait]:
    by = "one worker" if hands == 1 else f"{hands} workers"
    made = draft(actor=asker.user, verb="owner", scope=scope)
    foreseen = seconds(lambda: preview(actor=asker.user, batch=made, params=params))
    yield from run(asker, made, f"owner of {made.items.count():,} leads by {by}", foreseen, raw[0], hands)
    undoing: list[Batch] = []
    foreseen = seconds(lambda: undoing.append(draft_undo(actor=asker.user, batch=Batch.objects.get(pk=made.pk))))
    yield from run(asker, undoing[0], f"undo of it by {by}", foreseen, raw[1], hands)


def begin(asker: Asker, params: dict[str, Any], chosen: list[int]) -> None:
    """One lead goes there and back: as in a worker that has run before, nothing is loaded while it is timed."""
    reverse("people")
    lead = Lead.objects.visible_to(asker.keyring).filter(owner_unit__in=chosen).order_by("pk")[0]
    batch = of_one(actor=asker.user, verb="owner", lead=lead, params=params)
    confirm(actor=asker.user, batch=batch)
    carry_on(batch.pk)
    undoing = draft_undo(actor=asker.user, batch=Batch.objects.get(pk=batch.pk))
    confirm(actor=asker.user, batch=undoing)
    carry_on(undoing.pk)


def run(asker: Asker, batch: Batch, what: str, foreseen: float, raw: float, hands: int) -> Iterator[Rate | Wait]:
    """Confirm it and carry it to its end."""
    yield Wait(f"{what}, preview", asker.role, round(foreseen, 2), "at most 2 s", foreseen <= 2)
    confirm(actor=asker.user, batch=batch)
    first = seconds(lambda: carry_on(batch.pk, chunks=1))
    yield Wait(f"{what}, first progress", asker.role, round(first, 2), "at most 1 s", first <= 1)
    taken = foreseen + first + carried_by(hands, batch)
    batch.refresh_from_db()
    assert (batch.state, batch.changed) == (Batch.State.DONE, batch.total)
    ours, ratio = batch.changed / taken, round(batch.changed / taken / raw, 2)
    target = "at least 0.7 of by hand, preview included"
    yield Rate(what, asker.role, round(ours), round(raw), ratio, 0, target, ratio >= 0.7)


def carried_by(hands: int, batch: Batch) -> float:
    """Seconds from where it stands to its end, by so many workers that are there already."""
    connection.close()
    start = multiprocessing.Barrier(hands)
    others = [multiprocessing.Process(target=_help, args=(batch.pk, start)) for _ in range(hands - 1)]
    for other in others:
        other.start()
    connection.ensure_connection()
    start.wait()
    taken = seconds(lambda: carry_on(batch.pk))
    for other in others:
        taken += seconds(other.join)
    return taken


def _help(batch_id: int, start: Barrier) -> None:
    connection.ensure_connection()
    start.wait()
    carry_on(batch_id)


def seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
