"""I6 at the same time: merges of one pair, and a merge beside a transfer, end in one story each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from django.db.models import Q

from crm.organization.models import User
from leads.batches.drafting import draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import picked
from leads.models import Batch, BatchItem, ContactPoint, Lead
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import drafted, queued
from tests.support.racing import together

PAIRS = 12


@pytest.fixture
def harbor(committing_db: str) -> Brokerage:
    return brokerage("managed")


def pair(harbor: Brokerage, number: int) -> tuple[Lead, Lead]:
    mails = [[f"{side}{number}@mail.example", f"both{number}@mail.example"] for side in "ab"]
    return make_lead(harbor.lakeside, emails=mails[0]), make_lead(harbor.lakeside, emails=mails[1], agent=harbor.ana)


def merging(actor: User, into: Mapping[Lead, Lead]) -> Batch:
    """Confirmed, and not begun."""
    leads = sorted({*into, *into.values()}, key=lambda lead: lead.pk)
    batch = draft(actor=fresh(actor), verb="merge", scope=picked(lead.public_id for lead in leads))
    params = {"into": {str(gone.pk): kept.pk for gone, kept in into.items()}}
    return queued(preview(actor=fresh(actor), batch=batch, params=params))


def race(*batches: Batch) -> None:
    def finish(batch: Batch) -> None:
        while carry_on(batch.pk):
            pass

    together(*[lambda batch=batch: finish(batch) for batch in batches])
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}


def check(harbor: Brokerage, pairs: Sequence[tuple[Lead, Lead]]) -> None:
    """Every lead has an owner, every address leads to one with all its contact points, and so says the ledger."""
    leads = {lead.pk: lead for lead in Lead.objects.order_by("pk")}
    points = set(ContactPoint.objects.order_by("pk").values_list("lead", "value"))
    for one in (lead for both in pairs for lead in both):
        stays = leads[one.pk].merged_into or leads[one.pk]
        assert (stays.removed_at, stays.merged_into) == (None, None)
        assert {(stays.pk, value) for lead, value in points if lead == one.pk} <= points
        merged = LedgerEntry.objects.filter(lead_id=one.pk, kind="merged", detail__has_key="into")
        assert [fact.detail["into"] for fact in merged] == ([stays.pk] if stays.pk != one.pk else [])
    assert not Lead.objects.filter(Q(owner_unit=None, owner_user=None)).exists()
    seal()
    assert not verify(harbor.company.pk).problem


def test_i6_two_people_merging_each_into_the_other_at_once(harbor: Brokerage) -> None:
    pairs = [pair(harbor, number) for number in range(PAIRS)]
    race(
        merging(harbor.lead, {two: one for one, two in pairs}),
        merging(harbor.broker, dict(pairs)),
        merging(harbor.lead, {two: one for one, two in pairs}),
    )
    check(harbor, pairs)
    assert Lead.objects.filter(removed_at=None).count() == PAIRS
    changed = BatchItem.objects.filter(outcome="changed")
    assert {
        tuple(sorted(changed.filter(batch=batch).values_list("lead", flat=True))) for batch in Batch.objects.all()
    } == {
        (),
        tuple(sorted(lead.pk for both in pairs for lead in both)),
    }


def test_i6_each_pair_by_itself_merged_both_ways_at_once(harbor: Brokerage) -> None:
    pairs = [pair(harbor, number) for number in range(PAIRS)]
    for one, two in pairs:
        race(merging(harbor.lead, {two: one}), merging(harbor.broker, {one: two}))
    check(harbor, pairs)
    assert Lead.objects.filter(removed_at=None).count() == PAIRS


@pytest.mark.parametrize("to", ["ana", "hilltop"])
def test_m2_a_merge_beside_a_transfer_of_one_of_the_two(harbor: Brokerage, to: str) -> None:
    """Whichever comes first, the lead goes with its new owner or was merged; nothing is in between."""
    pairs = [pair(harbor, number) for number in range(PAIRS)]
    target = getattr(harbor, to)
    words = f"person-{target.pk}" if isinstance(target, User) else f"unit-{target.pk}"
    for turn, (one, two) in enumerate(pairs):
        given = one if turn % 2 else two
        transfer = queued(drafted(harbor.broker, "owner", [given], to=words, keep_assistants=False))
        race(merging(harbor.lead, {two: one}), transfer)
        given.refresh_from_db()
        moved = LedgerEntry.objects.filter(lead_id=given.pk, kind="owner_changed")
        assert (given.owner == target) == moved.exists() == (transfer.items.get().outcome == "changed")
    check(harbor, pairs)


def test_i6_a_mass_merge_beside_another_and_a_change_of_owner_of_all(harbor: Brokerage) -> None:
    pairs = [pair(harbor, number) for number in range(PAIRS)]
    to = f"unit-{harbor.hilltop.pk}"
    race(
        *(queued(drafted(actor, "merge", "")) for actor in (harbor.broker, harbor.lead)),
        queued(drafted(harbor.broker, "owner", "", to=to, keep_assistants=False)),
    )
    check(harbor, pairs)
    assert Lead.objects.filter(removed_at=None).count() == PAIRS
