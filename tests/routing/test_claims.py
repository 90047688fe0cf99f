"""Claims, expiry and fallback: each offer ends once, and no lead is ever with nobody (R2, R5, R6, R8, R9)."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import Client

from crm.organization.models import Unit, User
from leads.models import Activity, Lead
from leads.services.creating import first_stage
from leads.services.working import change_stage, log_activity
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from routing.models import Decision, Offer, Rotation
from routing.services import handing_out
from routing.services.claiming import TooLateError, claim, claim_by_button, decline
from routing.services.handing_out import expire_due, route_leads
from routing.services.roster import Roster
from routing.tasks import expire_offers
from tests.factories.leads import make_lead, make_stage
from tests.factories.leads import offer as make_offer
from tests.factories.people import fresh, leave_company, make_member
from tests.factories.scenes import Brokerage
from tests.routing.scenes import holders, lakeside, make_policy, offered, on_roster, route
from tests.support.racing import together


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


@pytest.fixture
def committed(committing_db: str) -> Brokerage:
    """The same in a database where tests commit; its leads are handed out among Ana, Ben and Cal."""
    harbor = lakeside()
    on_roster(harbor.lakeside, make_member(harbor.lakeside, "Cal"))
    return harbor


def many_leads(unit: Unit, count: int) -> list[Lead]:
    stage = first_stage(unit.company_id)
    values = {"company": unit.company, "owner_unit": unit, "origin": "company", "origin_unit": unit, "stage": stage}
    return Lead.objects.bulk_create([Lead(first_name=f"Lead {n}", **values) for n in range(count)])


def fall_due(**which: object) -> None:
    Offer.objects.filter(state="open", **which).update(
        offered_at=Now() - timedelta(hours=1), deadline=Now() - timedelta(minutes=5)
    )


def facts(lead: Lead) -> Counter[str]:
    return Counter(LedgerEntry.objects.filter(lead_id=lead.pk).values_list("kind", flat=True))


def open_offer(lead: Lead) -> Offer | None:
    return Offer.objects.filter(lead=lead, state="open").select_related("user").first()


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


# --- Races ------------------------------------------------------------------------------------------------------------


def test_r5_fifty_clicks_at_once_claim_once(committed: Brokerage) -> None:
    offer = offered(committed.lakeside)
    together(*[partial(claim_by_button, lead=offer.lead, user=offer.user)] * 50)
    offer.refresh_from_db()
    assert (offer.state, offer.claimed_by) == ("claimed", "button")
    assert facts(offer.lead)["claimed"] == 1
    assert Rotation.objects.get(lead=offer.lead).outcome == "claimed"


def test_r5_claiming_and_passing_at_once_does_one_of_them(committed: Brokerage) -> None:
    for offer in [offered(committed.lakeside) for _ in range(20)]:
        together(
            partial(_try, lambda offer=offer: claim_by_button(lead=offer.lead, user=offer.user)),
            partial(_try, lambda offer=offer: decline(lead=offer.lead, user=offer.user)),
        )
        found = facts(offer.lead)
        assert found["claimed"] + found["declined"] == 1


def _try(act: Callable[[], None]) -> None:
    try:
        act()
    except TooLateError:
        pass


def race_around_the_deadline(harbor: Brokerage, trials: int, clocks: int = 1) -> Counter[str]:
    """Claim within five milliseconds of the deadline while the clock (or several) runs; what the offers ended as.

    A click that came too late is followed by an earlier one, so that it stays a race on a slow machine, too.
    """
    leads = many_leads(harbor.lakeside, trials)
    route(harbor.lakeside, *leads)
    offers = list(Offer.objects.select_related("user", "lead").order_by("pk"))
    meet, deadlines = threading.Barrier(1 + clocks, timeout=30), dict[int, datetime]()

    def click() -> dict[int, bool]:
        claimed, early = {}, 0.005
        for offer in offers:
            deadlines[offer.pk] = set_deadline(offer, timedelta(milliseconds=40))
            meet.wait()
            claimed[offer.pk] = claim_at(offer, deadlines[offer.pk].timestamp() - early)
            early = min(0.035, max(0.0, early + (-0.001 if claimed[offer.pk] else 0.001)))
            meet.wait()
        return claimed

    def tick() -> dict[int, bool]:
        for offer in offers:
            meet.wait()
            expire_from(offer, deadlines[offer.pk])
            meet.wait()
        return {}

    claimed, *_ = together(click, *[tick] * clocks)
    for offer in offers:
        check_outcome(offer, deadlines[offer.pk], claimed[offer.pk])
    assert not seal_and_verify(harbor)
    return Counter(Offer.objects.filter(pk__in=deadlines).values_list("state", flat=True))


def check_outcome(offer: Offer, deadline: datetime, claimed: bool) -> None:
    offer.refresh_from_db()
    found = facts(offer.lead)
    assert offer.state == ("claimed" if claimed else "expired")
    assert (found["claimed"], found["expired"], found["offered"]) == ((1, 0, 1) if claimed else (0, 1, 2))
    assert offer.closed_at
    in_time = offer.closed_at < deadline + timedelta(milliseconds=1)  # it is read a moment after it is compared
    assert in_time if claimed else offer.closed_at >= deadline
    heir = open_offer(offer.lead)
    assert (heir is None) if claimed else (heir is not None and heir.user != offer.user)


def set_deadline(offer: Offer, ahead: timedelta) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE routing_offer SET deadline = clock_timestamp() + %s WHERE id = %s RETURNING deadline",
            [ahead, offer.pk],
        )
        deadline = cursor.fetchone()[0]
    assert isinstance(deadline, datetime)
    return deadline


def claim_at(offer: Offer, moment: float) -> bool:
    time.sleep(max(0.0, moment + random.uniform(-0.005, 0.005) - time.time()))
    return claim(lead_id=offer.lead_id, user=offer.user, act="button")


def expire_from(offer: Offer, deadline: datetime) -> None:
    """The clock worker, ticking without rest from just before the deadline until the offer has ended."""
    time.sleep(max(0.0, deadline.timestamp() - 0.005 - time.time()))
    while Offer.objects.filter(pk=offer.pk, state="open").exists():
        expire_due()


def seal_and_verify(harbor: Brokerage) -> str:
    seal()
    verdict = verify(harbor.company.pk)
    assert verdict.entries
    return verdict.problem


def test_r5_at_the_deadline_exactly_one_of_claim_and_expiry_wins(committed: Brokerage) -> None:
    ended = race_around_the_deadline(committed, 200)
    assert sum(ended.values()) == 200
    assert min(ended["claimed"], ended["expired"]) > 20  # it was a race


def test_r5_at_the_deadline_exactly_one_of_eight_workers_wins(committed: Brokerage) -> None:
    ended = race_around_the_deadline(committed, 100, clocks=7)
    assert sum(ended.values()) == 100
    assert min(ended["claimed"], ended["expired"]) > 5  # it was a race


@pytest.mark.soak
def test_r5_at_the_deadline_exactly_one_wins_a_thousand_times(committed: Brokerage) -> None:
    ended = race_around_the_deadline(committed, 1000)
    assert min(ended["claimed"], ended["expired"]) > 100


def test_r9_eight_workers_hand_three_hundred_due_offers_on_once_each(committed: Brokerage) -> None:
    leads = many_leads(committed.lakeside, 300)
    route(committed.lakeside, *leads)
    fall_due()
    first = dict(Offer.objects.values_list("lead", "user"))
    done = together(*[expire_until_done] * 8)
    assert sum(done) == 300
    assert Counter(Offer.objects.values_list("state", flat=True)) == {"expired": 300, "open": 300}
    second = dict(Offer.objects.filter(state="open").values_list("lead", "user"))
    assert all(second[lead] != first[lead] for lead in first)
    kinds = Counter(LedgerEntry.objects.values_list("kind", flat=True))
    assert (kinds["offered"], kinds["expired"]) == (600, 300)
    assert Decision.objects.count() == 600
    assert not seal_and_verify(committed)


def expire_until_done() -> int:
    expired = 0
    while Offer.objects.filter(state="open", deadline__lte=Now()).exists():
        expired += expire_due(25)
    return expired


def test_r5_a_lead_has_one_open_offer_whatever_happens(committed: Brokerage) -> None:
    offer = offered(committed.lakeside)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_offer(offer.lead, committed.ben)
    again = partial(
        route_leads, company_id=committed.company.pk, unit_id=committed.lakeside.pk, lead_ids=[offer.lead.pk]
    )
    together(*[again] * 8)
    assert Offer.objects.filter(lead=offer.lead).count() == 1


# --- What claims ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("act", ["call", "note", "stage"])
def test_r6_working_an_offered_lead_claims_it(harbor: Brokerage, act: str) -> None:
    offer = offered(harbor.lakeside)
    keyring = load_keyring(fresh(offer.user))
    if act == "stage":
        stage = make_stage(harbor.company, "Warm")
        change_stage(keyring=keyring, actor=offer.user, lead=offer.lead, stage=stage)
    else:
        log_activity(keyring=keyring, actor=offer.user, lead=offer.lead, kind=Activity.Kind(act), body="Hello")
    offer.refresh_from_db()
    assert (offer.state, offer.claimed_by) == ("claimed", act)
    assert Lead.objects.get(pk=offer.lead.pk).agent == offer.user


@pytest.mark.django_db
def test_r6_a_managers_note_or_call_does_not_claim_for_the_agent(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    for kind in (Activity.Kind.NOTE, Activity.Kind.CALL):
        log_activity(keyring=load_keyring(fresh(harbor.lead)), actor=harbor.lead, lead=offer.lead, kind=kind)
    offer.refresh_from_db()
    assert offer.state == "open"
    assert not claim(lead_id=offer.lead.pk, user=harbor.lead, act="button")
    assert facts(offer.lead)["claimed"] == 0


@pytest.mark.django_db
def test_r6_viewing_never_claims(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(offer.user)
    for path in ("/", f"/people/{offer.lead.public_id}/", f"/routing/lead/{offer.lead.public_id}/", "/people/"):
        assert client.get(path).status_code == 200
    offer.refresh_from_db()
    assert offer.state == "open"
    assert not claim(lead_id=offer.lead.pk, user=offer.user, act="view")


@pytest.mark.django_db
def test_r5_too_late_is_too_late(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    fall_due()
    assert not claim(lead_id=offer.lead.pk, user=offer.user, act="call")
    with pytest.raises(TooLateError):
        claim_by_button(lead=offer.lead, user=offer.user)


# --- Who is next ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_r3_a_batch_of_five_hundred_is_spread_evenly(harbor: Brokerage) -> None:
    on_roster(harbor.lakeside, make_member(harbor.lakeside, "Cal"))
    leads = many_leads(harbor.lakeside, 500)
    route(harbor.lakeside, *leads)
    assert sorted(Counter(holders(leads)).values()) == [166, 167, 167]
    assert Offer.objects.filter(state="open").count() == 500


@pytest.mark.django_db
def test_r8_an_unclaimed_lead_goes_to_the_next_and_access_goes_with_it(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    assert level(offer.user, offer.lead) == Level.WORK
    fall_due()
    assert expire_due() == 1
    heir = open_offer(offer.lead)
    assert heir is not None
    assert {heir.user, offer.user} == {harbor.ana, harbor.ben}
    assert level(offer.user, offer.lead) == Level.NONE
    assert level(heir.user, offer.lead) == Level.WORK


@pytest.mark.django_db
def test_r8_after_two_passes_the_fallback_has_it_for_good(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    seen = []
    while (now := open_offer(offer.lead)) is not None:
        seen.append((now.pass_number, now.user.name))
        fall_due()
        expire_due()
    assert sorted(seen) == [(1, "Ana"), (1, "Ben"), (2, "Ana"), (2, "Ben")]
    assert seen[1][1] != seen[2][1]
    assert holders([offer.lead]) == [harbor.lead.pk]
    assert Rotation.objects.get(lead=offer.lead).outcome == "fallback"
    fall_due()
    assert expire_due() == 0
    assert facts(offer.lead)["expired"] == 4


@pytest.mark.django_db
def test_r8_with_nobody_eligible_the_fallback_has_it_at_once(harbor: Brokerage) -> None:
    User.objects.filter(pk__in=[harbor.ana.pk, harbor.ben.pk]).update(available=False)
    lead = make_lead(harbor.lakeside)
    route(harbor.lakeside, lead)
    assert open_offer(lead) is None
    assert holders([lead]) == [harbor.lead.pk]
    decision = Decision.objects.get(lead=lead)
    assert decision.method == "fallback"
    assert dict(decision.skipped) == {harbor.ana.pk: "not taking leads", harbor.ben.pk: "not taking leads"}


@pytest.mark.django_db
def test_r8_a_fallback_who_left_is_replaced_by_a_manager_of_the_unit_or_above(harbor: Brokerage) -> None:
    gone = make_member(harbor.lakeside)
    make_policy(harbor.lakeside, fallback=gone)
    leave_company(gone)
    User.objects.filter(pk__in=[harbor.ana.pk, harbor.ben.pk]).update(available=False)
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    route(harbor.lakeside, leads[0])
    leave_company(harbor.lead)
    route(harbor.lakeside, leads[1])
    leave_company(harbor.north_admin)
    route(harbor.lakeside, leads[2])
    assert holders(leads) == [harbor.lead.pk, harbor.north_admin.pk, harbor.broker.pk]


@pytest.mark.django_db
def test_r2_with_round_robin_off_number_one_has_it_without_a_timer(harbor: Brokerage) -> None:
    make_policy(harbor.lakeside, round_robin=False)
    lead = make_lead(harbor.lakeside)
    route(harbor.lakeside, lead)
    assert holders([lead]) == [harbor.ana.pk]
    assert Rotation.objects.get(lead=lead).outcome == "handed"
    assert not Offer.objects.exists()


@pytest.mark.django_db
def test_r9_what_fell_due_while_nothing_ran_is_caught_up_oldest_first(harbor: Brokerage) -> None:
    leads = many_leads(harbor.lakeside, 6)
    route(harbor.lakeside, *leads)
    for late, lead in enumerate(leads):
        Offer.objects.filter(lead=lead).update(deadline=Now() - timedelta(minutes=late + 1))
    assert expire_due(2) == 2
    passed_on = set(Offer.objects.filter(state="expired").values_list("lead", flat=True))
    assert passed_on == {leads[-1].pk, leads[-2].pk}
    assert expire_due() == 4


@pytest.mark.django_db
def test_r9_what_fails_in_one_unit_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = lakeside().lakeside, lakeside().lakeside
    stuck, moving = offered(broken), offered(sound)
    Offer.objects.update(deadline=Now() - timedelta(minutes=5))
    honest = handing_out.lock_rosters

    def lock_rosters(unit_ids: Collection[int], now: datetime) -> dict[int, Roster]:
        if broken.pk in unit_ids:
            raise DataError("timestamp too large")
        return honest(unit_ids, now)

    monkeypatch.setattr(handing_out, "lock_rosters", lock_rosters)
    expire_offers()
    stuck.refresh_from_db()
    moving.refresh_from_db()
    assert (stuck.state, moving.state) == ("open", "expired")
