"""“VIP” and “vip” are one tag, through whichever door it comes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.forms import TagsField
from leads.merging.fields import unite
from leads.models import Lead
from leads.tags import united, without

MOMENT = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lists", "tags"),
    [([["vip"], ["VIP", "new"]], ["vip", "new"]), ([["VIP", "vip"]], ["VIP"]), ([[], []], [])],
)
def test_a_lead_has_a_tag_once(lists: list[list[str]], tags: list[str]) -> None:
    assert united(*lists) == tags


def test_a_tag_goes_however_it_is_written() -> None:
    assert without(["vip", "Lake", "VIP"], ["Vip"]) == ["Lake"]


def test_typed_tags_are_each_there_once() -> None:
    assert TagsField().clean("VIP, vip , Lake") == ["VIP", "Lake"]


def test_i6_of_two_leads_the_one_that_stays_says_how_a_tag_is_written() -> None:
    kept = Lead(tags=["vip"], last_activity_at=MOMENT)
    unite(kept, Lead(tags=["VIP", "lake"], last_activity_at=MOMENT), None)
    assert kept.tags == ["vip", "lake"]
