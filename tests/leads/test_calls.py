"""What the database keeps of the calls made to a lead: how many, when the last, what came of it (M5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import Activity, Lead
from tests.factories.leads import make_lead
from tests.factories.scenes import brokerage
from tests.leads.batches.doing import run, undo
from tests.leads.batches.test_merging import merged

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTS = st.fixed_dictionaries(
    {
        "lead": st.integers(0, 1),
        "kind": st.sampled_from(["call", "call", "note"]),
        "direction": st.sampled_from(["out", "in", ""]),
        "outcome": st.sampled_from(["reached", "busy", ""]),
        "at": st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours)),
    }
)
# what is done with an activity afterwards: nothing, moved to the other lead, its outcome mended, deleted
CHANGES = st.sampled_from(["", "moved", "mended", "deleted"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(ACTS, CHANGES), max_size=8), at_once=st.booleans())
def test_m5_the_count_of_calls_is_what_the_timeline_says(acts: list[tuple[dict[str, Any], str]], at_once: bool) -> None:
    with transaction.atomic():
        harbor = brokerage()
        leads = [make_lead(harbor.lakeside), make_lead(harbor.ana)]
        made = [Activity(company=harbor.company, **{**act, "lead": leads[act["lead"]]}) for act, _ in acts]
        if at_once:
            Activity.objects.bulk_create(made)
        else:
            for one in made:
                one.save()
        for one, (_, change) in zip(made, acts, strict=True):
            change_it(one, change, leads)
        for lead in leads:
            lead.refresh_from_db()
            assert (lead.attempts, lead.last_called_at, lead.last_outcome) == brute_force(lead)
        transaction.set_rollback(True)


def change_it(activity: Activity, change: str, leads: list[Lead]) -> None:
    row = Activity.objects.filter(pk=activity.pk)
    if change == "moved":
        row.update(lead=leads[0] if activity.lead == leads[1] else leads[1])
    elif change == "mended":
        row.update(outcome="voicemail", direction="out")
    elif change == "deleted":
        row.delete()


def brute_force(lead: Lead) -> tuple[int, datetime | None, str]:
    calls = [one for one in lead.activities.order_by("at", "pk") if one.kind == "call" and one.direction != "in"]
    return len(calls), calls[-1].at if calls else None, calls[-1].outcome if calls else ""


def test_m5_a_merged_lead_was_called_as_often_as_both_and_undone_each_by_itself() -> None:
    harbor = brokerage()
    kept, other = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    for lead, hours in ((kept, 1), (kept, 2), (other, 3), (other, 0), (other, 4)):
        call(lead, hours)
    batch = merged(harbor.lead, kept, other)
    assert counted(kept) == (5, NOON + timedelta(hours=4))
    call(kept, 9)
    assert counted(kept) == (6, NOON + timedelta(hours=9))
    assert run(undo(harbor.lead, batch)).changed == 2
    assert counted(kept) == (3, NOON + timedelta(hours=9))
    assert counted(other) == (3, NOON + timedelta(hours=4))


def call(lead: Lead, hours: int) -> None:
    facts = {"kind": "call", "direction": "out", "outcome": "busy", "at": NOON + timedelta(hours=hours)}
    Activity.objects.create(company_id=lead.company_id, lead=lead, **facts)


def counted(lead: Lead) -> tuple[int, datetime | None]:
    lead.refresh_from_db()
    return lead.attempts, lead.last_called_at
