"""R4, R7: where working hours did not count, the record of the decision says so, and why."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from crm.notifications.models import Notification
from leads.models import Lead
from routing.models import Decision, Offer
from routing.services.explaining import steps_of
from tests.factories.scenes import Brokerage
from tests.routing.scenes import lakeside, make_policy
from tests.routing.test_limits import around_now, off_now, place, routed

pytestmark = pytest.mark.django_db
NOBODY = "Working hours did not count: nobody who could take it was within hers."
PAUSE = "Working hours did not count: a pause lasted."


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def aside(lead: Lead) -> list[str]:
    return [step.aside for step in steps_of(lead)]


def all_off(harbor: Brokerage) -> None:
    for user in (harbor.ana, harbor.ben):
        place(user, hours=off_now(user))


def test_r4_when_nobody_is_within_hours_the_record_says_so(client: Client, harbor: Brokerage) -> None:
    all_off(harbor)
    lead = routed(harbor)
    assert aside(lead) == [NOBODY]
    client.force_login(harbor.lead)
    assert NOBODY in client.get(f"/routing/lead/{lead.public_id}/").content.decode()


def test_r4_who_is_within_hours_was_chosen_by_them(harbor: Brokerage) -> None:
    place(harbor.ana, hours=off_now(harbor.ana))
    assert aside(routed(harbor)) == [""]
    assert not Decision.objects.exclude(aside="").exists()


def test_r7_a_pause_is_another_reason(harbor: Brokerage) -> None:
    place(harbor.ana, hours=off_now(harbor.ana))
    make_policy(harbor.lakeside, fallback=harbor.lead, pauses=around_now(harbor))
    said = {lead.agent: aside(lead) for lead in (routed(harbor), routed(harbor))}
    assert said == {harbor.ana: [PAUSE], harbor.ben: [""]}


def test_r2_number_one_says_it_too(harbor: Brokerage) -> None:
    all_off(harbor)
    make_policy(harbor.lakeside, round_robin=False, fallback=harbor.lead)
    lead = routed(harbor)
    assert (lead.agent, aside(lead)) == (harbor.ana, [NOBODY])
    assert not Offer.objects.filter(lead=lead).exists()


def test_r7_r10_in_a_pause_an_offer_is_told_with_its_deadline_in_her_time(harbor: Brokerage) -> None:
    for user in (harbor.ana, harbor.ben):
        user.time_zone = "America/Los_Angeles"
        user.save(update_fields=["time_zone"])
    make_policy(harbor.lakeside, fallback=harbor.lead, pauses=around_now(harbor), window=timedelta(minutes=1))
    routed(harbor)
    until = Offer.objects.get().deadline.astimezone(ZoneInfo("America/Los_Angeles"))
    time = f"{until.hour % 12 or 12}:{until:%M %p}"
    told = Notification.objects.get(kind="offer").body
    assert told.startswith("Claim by ")
    assert told.endswith(f"{time}, or it goes to the next agent.")
