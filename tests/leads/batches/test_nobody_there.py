"""An undo gives nothing to people and places that are not there any more, and says so before (M4, M6, O4)."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.organization.models import Membership, User
from leads.batches.judging import REASONS
from leads.batches.verb import NotNowError
from leads.models import Lead
from leads.services.running_ponds import close_pond
from tests.factories.leads import in_pond, make_lead, make_pond
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, outcomes, run, undo
from tests.leads.batches.test_closing import kit as closing
from tests.leads.batches.test_departing import kit as departing

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def agents(*leads: Lead) -> list[User | None]:
    return [Lead.objects.get(pk=lead.pk).agent for lead in leads]


def test_m6_an_assign_is_not_undone_for_who_has_left_since(harbor: Brokerage, client: Client) -> None:
    hers, free = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.lakeside)
    batch = done(harbor.broker, "assign", [hers, free], user=harbor.ana)
    run(departing(harbor.broker, harbor.ben))
    back = undo(harbor.broker, batch)
    assert (back.preview or {})["reasons"] == {"": 1, "nobody": 1}
    client.force_login(harbor.broker)
    assert REASONS["nobody"] in client.get(f"/batches/{back.public_id}/").content.decode()
    back = run(back)
    assert (back.changed, outcomes(back)) == (1, {hers.pk: "nobody", free.pk: "changed"})
    assert agents(hers, free) == [harbor.ana, None]


@pytest.mark.parametrize("verb", ["assign", "release", "pool"])
def test_m6_nothing_goes_back_into_a_pond_that_was_closed_since(harbor: Brokerage, verb: str) -> None:
    pond, other = make_pond(harbor.lakeside, harbor.ana), make_pond(harbor.lakeside)
    pooled = in_pond(make_lead(harbor.lakeside), pond)
    had = make_lead(harbor.lakeside, agent=harbor.ben)
    params = {"assign": {"user": harbor.ana}, "release": {}, "pool": {"pond": other}}[verb]
    batch = done(harbor.lead, verb, [pooled, had], **params)
    close_pond(actor=fresh(harbor.lead), pond=pond, to="nobody")
    changed = set(outcomes(batch).values())
    back = run(undo(harbor.lead, batch))
    assert agents(had) == [harbor.ben]
    if verb == "release":  # what is in a pond is nobody's to release
        assert changed == {"changed", "there"}
        return
    assert outcomes(back) == {pooled.pk: "nobody", had.pk: "changed"}
    slot = Lead.objects.get(pk=pooled.pk).assignments.get()
    assert (slot.user or slot.pond) == (harbor.ana if verb == "assign" else other)


def test_o4_a_departure_waits_until_her_unit_is_open_again(harbor: Brokerage) -> None:
    left = run(departing(harbor.broker, harbor.ben))
    closed = run(closing(harbor.broker, harbor.lakeside, harbor.north))
    with pytest.raises(NotNowError, match="Lakeside, where Ben was, is closed"):
        undo(harbor.broker, left)
    assert not User.objects.get(pk=harbor.ben.pk).is_active
    run(undo(harbor.broker, closed))
    run(undo(harbor.broker, left))
    assert User.objects.get(pk=harbor.ben.pk).is_active
    assert Membership.objects.current().get(user=harbor.ben).unit == harbor.lakeside


def test_o4_a_departure_previewed_before_her_unit_closed_brings_nobody_back(harbor: Brokerage) -> None:
    left = run(departing(harbor.broker, harbor.ben))
    back = undo(harbor.broker, left)
    run(closing(harbor.broker, harbor.lakeside, harbor.north))
    back = run(back)
    assert (back.state, "is closed" in back.problem) == ("failed", True)
    assert not User.objects.get(pk=harbor.ben.pk).is_active
