"""M7 with I6: the ledger says exactly, on both leads, what was merged, parted again and merged anew."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads.ledger.words import line_of
from leads.models import Batch, Lead
from leads.timeline import names_in
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, merged, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def facts(batch: Batch) -> list[tuple[int | None, str, dict[str, Any], object, object]]:
    """Lead, kind, detail, from whom, to whom."""
    rows = LedgerEntry.objects.filter(batch_id=batch.pk, kind__in=["merged", "restored"]).order_by("lead_id", "pk")
    return [
        (
            row.lead_id,
            row.kind,
            row.detail,
            (row.from_unit_id, row.from_user_id),
            (row.to_unit_id, row.to_user_id),
        )
        for row in rows
    ]


def owner(lead: Lead) -> tuple[int | None, int | None]:
    return lead.owner_unit_id, lead.owner_user_id


def words(batch: Batch, lead: Lead) -> list[str]:
    rows = LedgerEntry.objects.filter(batch_id=batch.pk, lead_id=lead.pk, kind__in=["merged", "restored"])
    found = list(rows.order_by("pk"))
    return [line_of(row, names_in(found)) for row in found]


def test_m7_i6_a_merge_its_undo_and_its_redo_are_exact_facts_of_both_leads(harbor: Brokerage) -> None:
    for kept, other in (
        (make_lead(harbor.ana), make_lead(harbor.ana)),
        (make_lead(harbor.lakeside), make_lead(harbor.hilltop)),
    ):
        actor = harbor.ana if kept.owner_user_id else harbor.broker
        went = [
            (kept.pk, "merged", {"took": other.pk}, owner(other), owner(kept)),
            (other.pk, "merged", {"into": kept.pk}, owner(other), owner(kept)),
        ]
        came = [
            (kept.pk, "restored", {"gave": other.pk}, owner(kept), owner(other)),
            (other.pk, "restored", {"out_of": kept.pk}, owner(kept), owner(other)),
        ]
        batch = merged(actor, kept, other)
        assert facts(batch) == went
        for said in (came, went, came):
            batch = run(undo(actor, batch))
            assert facts(batch) == said
    seal()
    assert not verify(harbor.company.pk).problem


def test_m7_i6_a_redone_merge_reads_as_the_first_one(harbor: Brokerage) -> None:
    kept, other = make_lead(harbor.ana), make_lead(harbor.ana)
    first = merged(harbor.ana, kept, other)
    parted = run(undo(harbor.ana, first))
    again = run(undo(harbor.ana, parted))
    by = " by <strong>Ana</strong>"
    for batch in (first, again):
        assert words(batch, other) == [f"Merged into another lead{by}"]
        assert words(batch, kept) == [f"A duplicate was merged into it{by}"]
    assert words(parted, other) == [f"Brought back{by}"]
    assert words(parted, kept) == [f"A duplicate is a lead of its own again{by}"]


def test_m7_i6_the_timeline_of_the_lead_that_stays_says_each_once(harbor: Brokerage, client: Client) -> None:
    kept, other = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    deleted = done(harbor.broker, "delete", [other])
    run(undo(harbor.broker, deleted))
    run(undo(harbor.broker, run(undo(harbor.broker, merged(harbor.broker, kept, other)))))
    client.force_login(harbor.broker)
    said = client.get(reverse("lead", args=[kept.public_id])).content.decode()
    assert said.count("A duplicate was merged into it") == 2
    assert said.count("A duplicate is a lead of its own again") == 1
    assert said.count("Brought back") == 1  # as it was when it had been deleted


def test_m7_m4_a_mass_merge_that_is_undone_and_redone_says_so_of_every_pair(harbor: Brokerage) -> None:
    mail = ["maya@mail.example"]
    kept, *others = (make_lead(harbor.lakeside, emails=mail) for _ in range(3))
    batch = done(harbor.broker, "merge", "")
    went = facts(batch)
    assert [one[:2] for one in went] == [(kept.pk, "merged")] * 2 + [(other.pk, "merged") for other in others]
    parted = run(undo(harbor.broker, batch))
    assert [one[:3] for one in facts(parted)] == [
        *((kept.pk, "restored", {"gave": other.pk}) for other in others),
        *((other.pk, "restored", {"out_of": kept.pk}) for other in others),
    ]
    assert facts(run(undo(harbor.broker, parted))) == went
