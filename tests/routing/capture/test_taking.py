"""From what was sent to leads: each once, none lost, and what cannot be read waits (C3, C4)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from crm.organization.models import User
from leads.models import Activity, ContactPoint, Lead
from leads.services import arriving
from permissions.profiles.services import give_profile
from routing.capture.inbox import discard, try_again
from routing.capture.taking import take_in_waiting
from routing.models import LAST, FieldMap, InboundLead, InboundRequest, Offer, Rule, RuleBook
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, stranger
from tests.routing.capture.scenes import let_hide, make_channel, send, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
MAYA = {"first_name": "Maya", "last_name": "Okafor", "email": "maya@mail.example", "phone": "201 555 0123"}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def states() -> list[tuple[str, str]]:
    rows = InboundLead.objects.order_by("pk").values_list("state", "error")
    return [(state, error) for state, error in rows]


def leads_of(harbor: Brokerage) -> list[Lead]:
    return list(Lead.objects.filter(company=harbor.company).order_by("pk"))


def test_c4_a_lead_comes_in_owned_routed_and_on_the_timeline(harbor: Brokerage) -> None:
    send(make_channel(harbor.lakeside), {**MAYA, "message": "Is it free?"})
    assert take_in_waiting() == {harbor.company.pk: 1}
    [lead] = leads_of(harbor)
    assert (lead.name, lead.owner, lead.origin_unit) == ("Maya Okafor", harbor.lakeside, harbor.lakeside)
    assert Offer.objects.get(lead=lead).user in (harbor.ana, harbor.ben)
    assert "Is it free?" in Activity.objects.get(lead=lead, kind="inquiry").body
    assert InboundLead.objects.get().lead == lead
    assert states() == [("created", "")]


def test_c4_taken_in_twice_it_is_made_once(harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    for _ in range(2):
        send(channel, MAYA)
        take_all_in()
    assert not take_in_waiting()
    assert len(leads_of(harbor)) == 1
    assert Activity.objects.filter(kind="inquiry").count() == 1


def test_c4_the_senders_id_counts_more_than_the_content(harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    for message in ("one", "another"):
        send(channel, {**MAYA, "lead_id": "crm-77", "message": message})
    take_all_in()
    assert len(leads_of(harbor)) == 1
    assert Activity.objects.filter(kind="inquiry").count() == 1
    send(make_channel(harbor.lakeside, name="Other"), {**MAYA, "lead_id": "crm-77"})
    take_all_in()
    assert Activity.objects.filter(kind="inquiry").count() == 2


def test_c4_what_cannot_be_read_waits_with_its_reason_and_is_read_after_mending(harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    send(channel, {"Wie erreichen wir Sie?": "maya at mail", "Ihr Anliegen": "Garten"})
    take_all_in()
    row = InboundRequest.objects.get()
    assert row.state == "unreadable"
    assert row.error
    assert leads_of(harbor) == []
    send(channel, {"Wie erreichen wir Sie?": "maya@mail.example", "Ihr Anliegen": "Balkon"})
    FieldMap.objects.create(company=harbor.company, channel=channel, fields={"Wie erreichen wir Sie?": "email"})
    assert try_again(actor=harbor.lead, request_ids=[row.pk]) == 1
    take_all_in()
    points = set(ContactPoint.objects.values_list("value", flat=True))
    assert "maya@mail.example" in points


def test_c4_thrown_away_is_kept_and_no_longer_asked_about(harbor: Brokerage) -> None:
    send(make_channel(harbor.lakeside), "nonsense")
    take_all_in()
    row = InboundRequest.objects.get()
    assert discard(actor=harbor.lead, request_ids=[row.pk]) == 1
    row.refresh_from_db()
    assert (row.state, bytes(row.body)) == ("discarded", b"nonsense")
    assert not InboundRequest.objects.managed_by(harbor.lead).in_inbox().exists()
    assert discard(actor=harbor.lead, request_ids=[row.pk]) == 0
    assert try_again(actor=harbor.lead, request_ids=[row.pk]) == 1, "it can be brought back"


@pytest.mark.parametrize("who", ["ana", "eve", "stranger"])
def test_c2_only_who_manages_the_channel_has_it_in_her_inbox(harbor: Brokerage, who: str) -> None:
    send(make_channel(harbor.lakeside), "nonsense")
    take_all_in()
    actor: User = stranger() if who == "stranger" else getattr(harbor, who)
    row = InboundRequest.objects.get()
    assert not InboundRequest.objects.managed_by(actor).exists()
    assert try_again(actor=actor, request_ids=[row.pk]) == 0
    assert discard(actor=actor, request_ids=[row.pk]) == 0


def test_c4_one_that_breaks_does_not_hold_up_the_others(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = make_channel(harbor.lakeside)
    for number in range(3):
        send(channel, {**MAYA, "email": f"m{number}@mail.example", "phone": ""})
    whole = arriving.take_in

    def breaks(company: Any, arrivals: Any, settle: Any) -> None:
        arrivals = list(arrivals)
        if any("m1@mail.example" in one.emails for one in arrivals):
            raise RuntimeError("no")
        whole(company, arrivals, settle)

    monkeypatch.setattr(arriving, "take_in", breaks)
    take_all_in()
    assert sorted(state for state, _ in states()) == ["created", "created", "failed"]
    monkeypatch.undo()
    failed = InboundLead.objects.get(state="failed")
    assert "RuntimeError" in failed.error
    assert try_again(actor=harbor.lead, request_ids=[failed.request_id]) == 1
    take_all_in()
    assert {state for state, _ in states()} == {"created"}
    assert len(leads_of(harbor)) == 3


def test_c1_a_persons_channel_makes_leads_of_her_own(harbor: Brokerage) -> None:
    body = urlencode({"name": "Jo Prescott", "email": "jo@mail.example"})
    send(make_channel(let_hide(harbor.ana), "agent_site", hidden=True), body, "application/x-www-form-urlencoded")
    take_all_in()
    [lead] = leads_of(harbor)
    assert (lead.owner, lead.hidden, lead.origin) == (harbor.ana, True, "agent")
    assert not Offer.objects.exists()


def test_v4_a_lead_is_born_hidden_only_while_the_channels_owner_may_hide(harbor: Brokerage) -> None:
    channel = make_channel(let_hide(harbor.ana), hidden=True)
    send(channel, {"email": "a@mail.example"})
    take_all_in()
    give_profile(harbor.ana, "agent")
    send(channel, {"email": "b@mail.example"})
    take_all_in()
    assert [lead.hidden for lead in leads_of(harbor)] == [True, False]


def test_c1_the_routing_of_a_unit_below_may_be_followed(harbor: Brokerage) -> None:
    send(make_channel(harbor.whole, routing_unit=harbor.lakeside), MAYA)
    take_all_in()
    [lead] = leads_of(harbor)
    assert lead.owner == harbor.whole
    assert Offer.objects.get(lead=lead).unit == harbor.lakeside


def test_r1_a_rule_may_ask_by_which_channel_a_lead_came(harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    book = RuleBook.objects.create(company=harbor.company, unit=harbor.lakeside, state="live", created_by=harbor.lead)
    rules = {"company": harbor.company, "book": book}
    Rule.objects.create(position=1, conditions={"channel": [channel.pk]}, method="person", user=harbor.ben, **rules)
    Rule.objects.create(position=LAST, method="person", user=harbor.lead, **rules)
    for number, one in enumerate((channel, make_channel(harbor.lakeside, name="Other"))):
        send(one, {**MAYA, "email": f"m{number}@mail.example", "phone": ""})
    take_all_in()
    assert [lead.agent for lead in leads_of(harbor)] == [harbor.ben, harbor.lead]


def test_c6_the_agent_whom_the_vendor_names(harbor: Brokerage) -> None:
    sent = {
        "id": "ZLC-1",
        "sender": {"firstName": "Tobias", "lastName": "L", "emailAddress": "tl@mail.example"},
        "recipient": {"firstName": "Ben", "emailAddress": harbor.ben.email.upper()},
        "details": {"message": "Sunday?"},
    }
    send(make_channel(harbor.lakeside, "zillow"), sent)
    take_all_in()
    [lead] = leads_of(harbor)
    assert (lead.agent, str(lead.source)) == (harbor.ben, "Zillow")
    assert not Offer.objects.exists()


def test_c8_a_known_person_asks_again(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana, emails=["maya@mail.example"])
    send(make_channel(harbor.lakeside), {**MAYA, "message": "Me again"})
    take_all_in()
    assert leads_of(harbor) == [lead]
    assert states() == [("inquiry", "")]


def test_c9_a_filled_honeypot_makes_nothing(harbor: Brokerage) -> None:
    body = urlencode({"email": "bot@mail.example", "website": "http://spam.example"})
    send(make_channel(harbor.lakeside, "website"), body, "application/x-www-form-urlencoded")
    take_all_in()
    assert leads_of(harbor) == []
    assert InboundRequest.objects.get().state == "discarded"


def test_many_are_taken_in_at_once(harbor: Brokerage, django_assert_max_num_queries: Any) -> None:
    channel = make_channel(harbor.lakeside)
    for number in range(50):
        send(channel, {**MAYA, "email": f"m{number}@mail.example", "phone": ""})
    with django_assert_max_num_queries(190):  # two for each request, which is entered by itself
        assert take_in_waiting() == {harbor.company.pk: 50}
    assert len(leads_of(harbor)) == 50


def test_bytes_that_are_not_text_are_kept_all_the_same(harbor: Brokerage) -> None:
    send(make_channel(harbor.lakeside), b"\x01\xff\xfe" * 100)
    take_all_in()
    assert InboundRequest.objects.get().state == "unreadable"
    assert json.dumps(states()) == "[]"
