"""R1, R5, R8: one offer to many; the first to claim has it, the others are told."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.models import Activity, Lead
from leads.services.working import log_activity
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Decision, Offer, Rotation, Rule, RuleBook
from routing.services.claiming import TooLateError, claim, claim_by_button, decline
from routing.services.explaining import steps_of
from routing.services.handing_out import expire_due
from routing.services.leaving import leave_rosters
from routing.services.withdrawing import take_out
from tests.factories.leads import make_lead
from tests.factories.people import fresh, make_member
from tests.factories.scenes import Brokerage
from tests.routing.reporting import page, rows
from tests.routing.scenes import lakeside, on_roster, route
from tests.support.racing import together


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return open_to_all(lakeside())


def open_to_all(harbor: Brokerage) -> Brokerage:
    """Lakeside offers every lead to its whole roster."""
    owned = {"company": harbor.company}
    book = RuleBook.objects.create(unit=harbor.lakeside, state="live", created_by=harbor.lead, **owned)
    Rule.objects.create(book=book, position=32_000, method="first_to_claim", **owned)
    return harbor


def offered(harbor: Brokerage, **fields: Any) -> Lead:
    lead = make_lead(harbor.lakeside, **fields)
    route(harbor.lakeside, lead)
    lead.refresh_from_db()
    return lead


def level(user: User, lead: Lead) -> Level:
    return access_to(load_keyring(fresh(user)), Lead.objects.get(pk=lead.pk)).level


def test_r1_all_who_can_take_it_have_it_and_nobody_is_its_agent(harbor: Brokerage) -> None:
    outside = make_member(harbor.lakeside)
    lead = offered(harbor)
    offer = Offer.objects.get(lead=lead)
    assert (lead.agent, offer.user, offer.state) == (None, None, "open")
    for user in (harbor.ana, harbor.ben):
        assert level(user, lead) == Level.REDACTED
        assert [one.lead for one in Offer.objects.open_for(user)] == [lead]
    assert level(outside, lead) == Level.NONE
    told = Notification.objects.filter(lead_id=lead.pk, kind="offer").order_by("user")
    assert [one.user for one in told] == [harbor.ana, harbor.ben]
    assert LedgerEntry.objects.filter(lead_id=lead.pk, kind="offered").count() == 2


def test_r1_the_first_to_claim_has_it_and_the_others_are_told(harbor: Brokerage) -> None:
    lead = offered(harbor)
    assert claim(lead_id=lead.pk, user=harbor.ben, act="button")
    lead.refresh_from_db()
    assert (lead.agent, Offer.objects.get(lead=lead).user) == (harbor.ben, harbor.ben)
    assert Rotation.objects.get(lead=lead).outcome == "claimed"
    assert level(harbor.ana, lead) == Level.NONE
    assert not Offer.objects.open_for(harbor.ana).exists()
    [told] = Notification.objects.filter(kind="withdrawn")
    assert (told.user, told.lead_id, "Ben was first" in told.body) == (harbor.ana, None, True)
    with pytest.raises(TooLateError):
        claim_by_button(lead=lead, user=harbor.ana)
    claim_by_button(lead=lead, user=harbor.ben)  # her second click


def test_r6_nobody_works_it_before_she_has_claimed_it(harbor: Brokerage) -> None:
    lead, ana = offered(harbor), fresh(harbor.ana)
    with pytest.raises(PermissionDenied):
        log_activity(keyring=load_keyring(ana), actor=ana, lead=lead, kind=Activity.Kind.CALL, direction="out")
    assert claim(lead_id=lead.pk, user=ana, act="button")
    assert level(harbor.ana, lead) == Level.WORK


def test_v2_d_what_several_have_on_offer_is_redacted_to_all_of_them_until_one_has_claimed(
    client: Client, harbor: Brokerage
) -> None:
    secrets = {"last_name": "Okafor", "city": "Sunnyvale", "source": "Zillow", "emails": ["maya@mail.example"]}
    lead = offered(harbor, first_name="Maya", **secrets)
    for user in (harbor.ana, harbor.ben):
        assert level(user, lead) == Level.REDACTED
        client.force_login(user)
        assert client.get(f"/people/{lead.public_id}/").status_code == 404
        assert client.get(f"/people/{lead.public_id}/edit/").status_code == 404
        said = "".join(client.get(path).content.decode() for path in ("/", "/people/", "/notifications/"))
        assert "Offered to you: Maya" in said
        assert not [word for word in ("Okafor", "Sunnyvale", "Zillow", "maya@") if word in said]
        assert "On offer to you and to others" in client.get("/people/").content.decode()
        searched = client.get("/people/", {"q": "maya@mail.example"}).content.decode().split("<main")[1]
        assert "Maya" not in searched
        assert "only a part" in searched
    claim_by_button(lead=lead, user=harbor.ben)
    client.force_login(harbor.ben)
    assert "Okafor" in client.get(f"/people/{lead.public_id}/").content.decode()
    assert level(harbor.ana, lead) == Level.NONE


def test_r8_whoever_passes_loses_it_and_the_last_to_pass_hands_it_on(harbor: Brokerage) -> None:
    lead = offered(harbor)
    decline(lead=lead, user=harbor.ana)
    assert level(harbor.ana, lead) == Level.NONE
    assert Offer.objects.get(lead=lead).state == "open"
    with pytest.raises(TooLateError):
        decline(lead=lead, user=harbor.ana)
    decline(lead=lead, user=harbor.ben)  # the second pass begins, with all of them
    assert [one.state for one in Offer.objects.filter(lead=lead).order_by("pk")] == ["declined", "open"]
    decline(lead=lead, user=harbor.ana)
    decline(lead=lead, user=harbor.ben)
    lead.refresh_from_db()
    assert (lead.agent, Rotation.objects.get(lead=lead).outcome) == (harbor.lead, "fallback")


def test_r8_unclaimed_it_is_offered_once_in_each_pass_and_then_falls_back(harbor: Brokerage) -> None:
    lead = offered(harbor)
    for passes in (2, 3):
        Offer.objects.filter(state="open").update(deadline=timezone.now() - timedelta(hours=1))
        assert expire_due() == 1
        assert Decision.objects.filter(lead=lead).count() == passes
    lead.refresh_from_db()
    assert (lead.agent, Offer.objects.filter(state="open").count()) == (harbor.lead, 0)
    assert level(harbor.ana, lead) == Level.NONE


def test_r4_the_record_says_who_was_asked_and_who_claimed(harbor: Brokerage) -> None:
    on_roster(harbor.lakeside, harbor.lead, paused=True)
    lead = offered(harbor)
    claim(lead_id=lead.pk, user=harbor.ben, act="call")
    [step] = steps_of(lead)
    assert "offered to all" in step.what
    assert step.end == "Claimed by Ben, with a call"
    assert step.skipped == [(harbor.lead.name, "paused")]


def test_m2_taken_out_of_the_rotation_nobody_has_it_any_more(harbor: Brokerage) -> None:
    lead = offered(harbor)
    take_out(company_id=harbor.company.pk, lead_ids=[lead.pk], actor_id=harbor.lead.pk)
    assert Offer.objects.get(lead=lead).state == "withdrawn"
    assert level(harbor.ana, lead) == Level.NONE
    assert set(Notification.objects.filter(kind="withdrawn").values_list("user", flat=True)) == {
        *(harbor.ana.pk, harbor.ben.pk)
    }


def test_o4_whoever_leaves_is_asked_no_more_and_the_others_still_are(harbor: Brokerage) -> None:
    lead = offered(harbor)
    leave_rosters(harbor.ana, None)
    assert not Offer.objects.open_for(harbor.ana).exists()
    assert claim(lead_id=lead.pk, user=harbor.ben, act="button")


def test_r5_of_many_who_claim_at_once_exactly_one_has_it(committing_db: str) -> None:
    harbor = open_to_all(lakeside())
    people = [harbor.ana, harbor.ben, *(make_member(harbor.lakeside) for _ in range(6))]
    on_roster(harbor.lakeside, *people[2:])
    lead = offered(harbor)

    acts = [partial(claim, lead_id=lead.pk, user=fresh(user), act="button") for user in people]
    won = [user for user, has_it in zip(people, together(*acts), strict=True) if has_it]
    lead.refresh_from_db()
    assert [lead.agent] == won
    assert LedgerEntry.objects.filter(lead_id=lead.pk, kind="claimed").count() == 1
    assert not Offer.objects.get(lead=lead).recipients.filter(ended_at=None).exists()


def test_r1_from_the_page_one_claims_and_the_other_reads_who_was_first(client: Client, harbor: Brokerage) -> None:
    lead = offered(harbor)
    client.force_login(harbor.ben)
    today = client.get("/").content.decode()
    assert f"Claim {lead.first_name}" in today
    assert lead.name not in today
    client.post(f"/offers/{lead.public_id}/claim/")
    client.force_login(harbor.ana)
    late = client.post(f"/offers/{lead.public_id}/claim/", follow=True).content.decode()
    assert "A colleague claimed this one" in late
    other = offered(harbor)
    client.post(f"/offers/{other.public_id}/pass/")
    assert "Your colleagues still have it" in client.get("/").content.decode()
    assert Offer.objects.get(lead=other).state == "open"
    client.force_login(harbor.ben)
    client.post(f"/offers/{other.public_id}/pass/")
    assert "it is offered to everybody once more" in client.get("/").content.decode()


def test_r11_what_several_have_is_nobodys_figure_and_leads_to_no_list(client: Client, harbor: Brokerage) -> None:
    offered(harbor)
    claim(lead_id=offered(harbor).pk, user=fresh(harbor.ben), act="button")
    found = rows(client, harbor.lead, "claims")
    assert {name: row["Received"] for name, row in found.items()} == {"Ben": "1", "Several at once": "1"}
    for name in ("claims", "speed"):
        shown = page(client, harbor.lead, name, by="agent")
        [line] = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*Several at once.*?</tr>", shown, re.DOTALL)
        assert "href" not in line
