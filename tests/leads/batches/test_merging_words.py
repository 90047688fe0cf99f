"""I6 with L1: what was said of calls and texts goes with the lead, and comes back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from leads.models import Consent, Lead
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
