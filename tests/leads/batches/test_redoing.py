"""M6: the undo of a departure or a closing is taken back by doing the same anew, as people and leads are by then."""

from __future__ import annotations

from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from crm.organization.models import Unit, User
from leads.batches.drafting import cancel, discard
from leads.batches.running import carry_on
from leads.batches.undoing import why_not_undo
from leads.batches.verb import NotNowError
from leads.models import Assignment, Batch, Lead
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead, make_pond
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches import test_closing as closing
from tests.leads.batches import test_departing as departing
from tests.leads.batches.doing import queued, run, undo
from tests.leads.batches.test_departing import has_nothing, levels, slots
from tests.routing.scenes import make_policy, on_roster

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def test_m6_an_undone_departure_is_done_again_and_undone_again(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, harbor.ben)
    make_policy(harbor.lakeside, fallback=harbor.ana)
    on_roster(harbor.lakeside, harbor.ana, weight=3)
    teams, offices = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.north, agent=harbor.ana)
    before = departing.everything()
    to = {str(harbor.lakeside.pk): f"pond-{pond.pk}", str(harbor.north.pk): f"person-{harbor.ben.pk}"}
    first = run(departing.kit(harbor.broker, harbor.ana, **to))
    after = levels([teams, offices])
    back = run(undo(harbor.broker, first))
    assert departing.everything() == before
    again = undo(harbor.broker, back)
    assert (again.total, departing.everything()) == (2, before)
    assert departing.foreseen(again) == departing.foreseen(first)
    again = run(again)
    assert (again.state, again.changed, again.pk not in (first.pk, back.pk)) == ("done", 2, True)
    assert (slots(teams), slots(offices)) == ({"agent": pond}, {"agent": harbor.ben})
    assert levels([teams, offices]) == after
    has_nothing(harbor.ana)
    assert LedgerEntry.objects.filter(kind="left", batch_id=again.pk).count() == 1
    run(undo(harbor.broker, again))
    assert departing.everything() == before


def test_m6_what_she_got_since_goes_with_it_and_nothing_twice(harbor: Brokerage) -> None:
    old = make_lead(harbor.lakeside, agent=harbor.ana)
    to = {str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}
    back = run(undo(harbor.broker, run(departing.kit(harbor.broker, harbor.ana, **to))))
    new, taken = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside, agent=harbor.lead)
    again, other = undo(harbor.broker, back), undo(harbor.broker, back)
    assert run(again).changed == 2
    assert [slots(lead) for lead in (old, new)] == [{"agent": harbor.ben}] * 2
    assert slots(taken) == {"agent": harbor.lead}
    late = run(other)
    assert (late.state, late.changed) == ("failed", 0)
    assert "has left already" in late.problem
    with pytest.raises(NotNowError, match="has left already"):
        undo(harbor.broker, back)


def test_m6_who_was_to_get_them_may_be_gone_by_then(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    to = {str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}
    back = run(undo(harbor.broker, run(departing.kit(harbor.broker, harbor.ana, **to))))
    run(departing.kit(harbor.broker, harbor.ben))
    with pytest.raises(NotNowError, match="not active any more"):
        undo(harbor.broker, back)
    assert slots(lead) == {"agent": harbor.ana}
    assert User.objects.get(pk=harbor.ana.pk).is_active


def test_m6_who_may_do_it_again_is_who_may_do_it(harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana)
    back = run(undo(harbor.broker, run(departing.kit(harbor.broker, harbor.ana))))
    for user in (harbor.lead, harbor.ana, harbor.north_admin):
        assert why_not_undo(fresh(user), back)
        with pytest.raises(PermissionDenied):
            undo(user, back)
    assert why_not_undo(fresh(harbor.broker), back) == ""


def test_m6_an_undo_that_never_began_has_nothing_to_take_back(harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana)
    first = run(departing.kit(harbor.broker, harbor.ana))
    stopped = queued(undo(harbor.broker, first))
    cancel(actor=harbor.broker, batch=stopped)
    stopped.refresh_from_db()
    assert why_not_undo(fresh(harbor.broker), stopped) == "There is nothing to undo."
    assert why_not_undo(fresh(harbor.broker), first) == ""


def test_m6_an_undo_stopped_in_the_middle_is_taken_back_whole(harbor: Brokerage) -> None:
    there = [make_lead(harbor.lakeside, agent=harbor.ana) for _ in range(3)]
    to = {str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}
    first = run(departing.kit(harbor.broker, harbor.ana, **to))
    half = queued(undo(harbor.broker, first))
    with mock.patch("leads.batches.running.CHUNK", 2):
        assert carry_on(half.pk, chunks=1)
        cancel(actor=harbor.broker, batch=half)
        assert not carry_on(half.pk)
    half.refresh_from_db()
    assert Assignment.objects.filter(user=harbor.ana).count() == 2
    again = run(undo(harbor.broker, half))
    assert again.changed == 2
    assert [slots(lead) for lead in there] == [{"agent": harbor.ben}] * 3
    has_nothing(harbor.ana)


def test_m6_an_undone_closing_is_done_again_and_undone_again(harbor: Brokerage) -> None:
    make_policy(harbor.lakeside, fallback=harbor.lead)
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    pond = make_pond(harbor.lakeside, harbor.ana)
    worked, general = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside)
    before = closing.everything()
    first = run(closing.kit(harbor.broker, harbor.lakeside, harbor.north))
    after = levels([worked, general])
    back = run(undo(harbor.broker, first))
    assert closing.everything() == before
    again = run(undo(harbor.broker, back))
    assert (again.state, again.changed) == ("done", 2)
    assert Unit.objects.get(pk=harbor.lakeside.pk).closed_at
    assert closing.owners(worked, general) == {harbor.north}
    pond.refresh_from_db()
    assert (pond.unit, levels([worked, general])) == (harbor.north, after)
    run(undo(harbor.broker, again))
    assert closing.everything() == before


def test_m6_from_the_page_of_an_undo_to_the_preview(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    back = run(undo(harbor.broker, run(departing.kit(harbor.broker, harbor.ana))))
    client.force_login(harbor.broker)
    page = reverse("batch", args=[back.public_id])
    assert "Do it again" in client.get(page).content.decode()
    preview = client.post(reverse("batch-undo", args=[back.public_id]), follow=True)
    said = preview.content.decode()
    assert "Departure of Ana" in said
    assert "Go ahead" in said
    again = Batch.objects.get(state="draft")
    assert discard(actor=harbor.broker, batch=again)
    assert slots(lead) == {"agent": harbor.ana}
    run(undo(harbor.broker, back))
    assert not Lead.objects.filter(assignments__user=harbor.ana).exists()
    gone = client.post(reverse("batch-undo", args=[back.public_id]), follow=True)
    assert "has left already" in gone.content.decode()
