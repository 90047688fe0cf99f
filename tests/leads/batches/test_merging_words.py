"""I6 with L1: what was said of calls and texts goes with the lead, and comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.organization.models import User
from leads.models import Consent, Lead, Task
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import merged, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def said(lead: Lead, kind: str) -> list[tuple[bool, str]]:
    """The words that count, the latest first."""
    rows = Consent.objects.filter(lead=lead, kind=kind).order_by("-pk")
    return list(rows.values_list("given", "words"))


def test_i6_the_last_word_on_calls_and_texts_counts_for_the_lead_that_stays(harbor: Brokerage) -> None:
    kept, other = make_lead(harbor.ana, first_name="Maya"), make_lead(harbor.ana, first_name="Maya")
    for lead, kind, given, words in (
        (kept, "call", True, "early"),
        (other, "call", True, "before"),
        (other, "call", False, "STOP"),
        (other, "text", True, "old"),
        (kept, "text", False, "leave me"),
    ):
        Consent.objects.create(company=lead.company, lead=lead, kind=kind, given=given, words=words, at=timezone.now())
    batch = merged(harbor.ana, kept, other)
    assert said(kept, "call") == [(False, "STOP"), (True, "early")]
    assert said(kept, "text") == [(False, "leave me")]
    undone = run(undo(harbor.ana, batch))
    assert said(kept, "call") == [(True, "early")]
    assert said(other, "call") == [(False, "STOP"), (True, "before")]
    run(undo(harbor.ana, undone))
    assert said(kept, "call")[0] == (False, "STOP")


def planned(lead: Lead, actor: User) -> Task:
    due, title = timezone.now() + timedelta(hours=1), "Call back"
    values = {"company": lead.company, "created_by": actor, "due_at": due, "time_zone": "UTC", "title": title}
    return Task.objects.create(lead=lead, user=actor, kind="callback", **values)


def whose(*tasks: Task) -> list[tuple[int, str]]:
    """Lead, person."""
    rows = {task.pk: (task.lead_id, task.user) for task in Task.objects.select_related("user").order_by("pk")}
    return [(lead or 0, str(user)) for lead, user in (rows[task.pk] for task in tasks)]


def test_i6_d11_a_promised_call_goes_to_who_holds_the_lead_that_stays_and_comes_back(harbor: Brokerage) -> None:
    first, second, third = (
        make_lead(harbor.lakeside, first_name="Maya", agent=agent) for agent in (harbor.ana, harbor.ben, harbor.lead)
    )
    own, hers = planned(second, harbor.ben), planned(first, harbor.ana)
    before = whose(own, hers)
    once = merged(harbor.broker, second, first)
    assert whose(own, hers) == [(second.pk, "Ben"), (second.pk, "Ben")]
    twice = merged(harbor.broker, third, second)
    assert whose(own, hers) == [(third.pk, "Lead")] * 2
    back = run(undo(harbor.broker, twice))
    assert whose(own, hers) == [(second.pk, "Ben"), (second.pk, "Ben")]
    run(undo(harbor.broker, back))
    assert whose(own, hers) == [(third.pk, "Lead")] * 2
    run(undo(harbor.broker, twice))
    run(undo(harbor.broker, once))
    assert whose(own, hers) == before
