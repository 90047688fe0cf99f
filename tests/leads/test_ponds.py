"""Ponds: moving leads in, taking them out within the limit, closing (rule e, R8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.db.models.functions import Now

from crm.organization.models import User
from leads.models import Activity, Assignment, Lead, Pond, PondClaim
from leads.services.ponding import OutsideError, TakenError, UsedUpError, left_today, pool, take
from leads.services.running_ponds import (
    close_pond,
    create_pond,
    guests_of,
    newcomers_to,
    remove_member,
    set_member,
)
from leads.services.working import log_activity
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Offer, Rotation
from tests.factories.leads import assign, in_pond, make_lead, make_pond, offer
from tests.factories.people import fresh, leave_company
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.routing.scenes import make_policy, on_roster
from tests.support.racing import together


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


def facts(lead: Lead) -> list[tuple[Any, ...]]:
    rows = LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk")
    return list(rows.values_list("kind", "from_user_id", "to_user_id", "why"))


def agent_of(lead: Lead) -> User | None:
    lead.refresh_from_db()
    return lead.agent


def note(user: User, lead: Lead) -> Activity:
    return log_activity(
        keyring=load_keyring(fresh(user)), actor=user, lead=lead, kind=Activity.Kind.NOTE, body="Called back"
    )


def move(user: User, lead: Lead, pond: Pond) -> None:
    pool(keyring=load_keyring(fresh(user)), actor=fresh(user), lead=lead, pond=pond)


def test_m1_moving_to_a_pond_ends_what_her_agent_had(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ben)
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    offered = offer(lead, harbor.ana)
    move(harbor.lead, lead, pond)
    assert (agent_of(lead), level(harbor.ana, lead), level(harbor.ben, lead)) == (None, Level.NONE, Level.WORK)
    offered.refresh_from_db()
    assert offered.state == Offer.State.WITHDRAWN
    assert not Rotation.objects.filter(lead=lead, ended_at=None).exists()
    assert facts(lead)[0] == ("pooled", harbor.ana.pk, None, "by hand")
    assert LedgerEntry.objects.get(kind="pooled").detail == {"pond": pond.pk}
    move(harbor.lead, lead, pond)
    assert LedgerEntry.objects.filter(kind="pooled").count() == 1


def test_m1_a_pond_serves_the_units_of_its_line(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    for unit, fits in ((harbor.whole, True), (harbor.north, True), (harbor.hilltop, False), (harbor.south, False)):
        pond = make_pond(unit)
        if fits:
            move(harbor.broker, lead, pond)
        else:
            with pytest.raises(ValidationError):
                move(harbor.broker, lead, pond)
    with pytest.raises(ValidationError, match="cannot be in"):
        move(harbor.lead, lead, make_pond(harbor.lakeside, closed_at=Now()))


def test_p2_only_who_may_assign_moves_it(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana)
    with pytest.raises(PermissionDenied):
        move(harbor.ana, make_lead(harbor.lakeside, agent=harbor.ana), pond)
    personal = make_lead(harbor.ana)
    move(harbor.ana, personal, pond)
    assert level(harbor.ana, personal) == Level.MANAGE


def test_r8_the_first_to_work_it_takes_it(harbor: Brokerage) -> None:
    lead = in_pond(make_lead(harbor.lakeside), make_pond(harbor.lakeside, harbor.ana, harbor.ben))
    note(harbor.ana, lead)
    assert (agent_of(lead), level(harbor.ben, lead)) == (harbor.ana, Level.NONE)
    assert facts(lead) == [
        ("assigned", None, harbor.ana.pk, "from a pond"),
        ("claimed", None, harbor.ana.pk, "from a pond"),
    ]
    assert LedgerEntry.objects.get(kind="claimed").detail["act"] == "note"
    assert PondClaim.objects.get().user == harbor.ana


def test_r8_who_only_looks_and_who_manages_take_nothing_by_working(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana)
    pond.members.update(may_claim=False)
    lead = in_pond(make_lead(harbor.lakeside), pond)
    assert level(harbor.ana, lead) == Level.VIEW
    with pytest.raises(TakenError):
        take(actor=harbor.ana, lead=lead)
    note(harbor.lead, lead)
    assert agent_of(lead) is None


def test_r8_no_more_in_a_day_than_the_pond_lets_one(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, harbor.ben, daily_limit=2)
    leads = [in_pond(make_lead(harbor.lakeside), pond) for _ in range(4)]
    for lead in leads[:2]:
        take(actor=harbor.ana, lead=lead)
    assert (left_today(harbor.ana, pond), left_today(harbor.ben, pond)) == (0, 2)
    with pytest.raises(UsedUpError):
        take(actor=harbor.ana, lead=leads[2])
    note(harbor.ana, leads[2])
    assert agent_of(leads[2]) is None, "what she did stands, and the lead stays in the pond"
    take(actor=harbor.ana, lead=leads[0])
    PondClaim.objects.update(at=Now() - timedelta(days=1, hours=1))
    take(actor=harbor.ana, lead=leads[2])
    assert agent_of(leads[2]) == harbor.ana


def test_r8_of_two_who_take_a_lead_at_once_one_has_it_and_the_other_is_told_who(committing_db: str) -> None:
    harbor = brokerage()
    lead = in_pond(make_lead(harbor.lakeside), make_pond(harbor.lakeside, harbor.ana, harbor.ben))
    connection.close()

    def attempt(user: User) -> str:
        try:
            take(actor=fresh(user), lead=lead)
        except TakenError as refusal:
            return str(refusal)
        return "has it"

    told = together(lambda: attempt(harbor.ana), lambda: attempt(harbor.ben))
    winner = agent_of(lead)
    assert winner in (harbor.ana, harbor.ben)
    assert sorted(told) == sorted(["has it", f"{winner} has taken it."])
    assert (PondClaim.objects.count(), LedgerEntry.objects.filter(kind="claimed").count()) == (1, 1)


def test_r8_two_leads_taken_at_once_do_not_pass_the_limit(committing_db: str) -> None:
    harbor = brokerage()
    pond = make_pond(harbor.lakeside, harbor.ana, daily_limit=1)
    leads = [in_pond(make_lead(harbor.lakeside), pond) for _ in range(2)]
    connection.close()

    def attempt(lead: Lead) -> bool:
        try:
            take(actor=fresh(harbor.ana), lead=lead)
        except UsedUpError:
            return False
        return True

    assert sorted(together(lambda: attempt(leads[0]), lambda: attempt(leads[1]))) == [False, True]


def test_r8_leaving_a_pond_keeps_what_was_taken(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana)
    hers, other = (in_pond(make_lead(harbor.lakeside), pond) for _ in range(2))
    take(actor=harbor.ana, lead=hers)
    remove_member(actor=harbor.lead, pond=pond, user=harbor.ana)
    assert (level(harbor.ana, hers), level(harbor.ana, other)) == (Level.WORK, Level.NONE)


def test_p2_ponds_are_run_by_managers_of_their_units(harbor: Brokerage) -> None:
    pond = create_pond(actor=harbor.lead, unit=harbor.lakeside, name="Cold", daily_limit=5)
    with pytest.raises(ValidationError, match="already"):
        create_pond(actor=harbor.broker, unit=harbor.north, name="cold", daily_limit=None)
    for actor, unit in ((harbor.ana, harbor.lakeside), (harbor.lead, harbor.north), (stranger(), harbor.lakeside)):
        with pytest.raises(PermissionDenied):
            create_pond(actor=actor, unit=unit, name="Another", daily_limit=None)
        with pytest.raises(PermissionDenied):
            set_member(actor=actor if unit == harbor.lakeside else harbor.dee, pond=pond, user=actor, may_claim=True)
    with pytest.raises(ValidationError):
        set_member(actor=harbor.lead, pond=pond, user=leave_company(harbor.ben), may_claim=True)
    set_member(actor=harbor.lead, pond=pond, user=harbor.ana, may_claim=True)
    assert [fact.detail["pond"] for fact in LedgerEntry.objects.filter(why="pond").order_by("pk")] == [pond.pk] * 2


def test_o4_a_closed_pond_keeps_no_lead(harbor: Brokerage) -> None:
    old, new = make_pond(harbor.lakeside, harbor.ana), make_pond(harbor.north, harbor.ben)
    lead = in_pond(make_lead(harbor.lakeside), old)
    assert close_pond(actor=harbor.lead, pond=old, to=new) == 1
    assert (level(harbor.ana, lead), level(harbor.ben, lead)) == (Level.NONE, Level.WORK)
    make_policy(harbor.lakeside)
    on_roster(harbor.lakeside, harbor.ana)
    personal = in_pond(make_lead(harbor.dee), new)
    close_pond(actor=harbor.north_admin, pond=new, to="routing")
    assert (agent_of(lead), agent_of(personal), personal.holder_id) == (harbor.ana, None, harbor.dee.pk)
    assert not Assignment.objects.filter(pond__isnull=False).exists()
    third = make_pond(harbor.whole)
    other = in_pond(make_lead(harbor.south), third)
    with pytest.raises(ValidationError, match="does not serve"):
        close_pond(actor=harbor.broker, pond=third, to=make_pond(harbor.north))
    close_pond(actor=harbor.broker, pond=third, to="nobody")
    assert agent_of(other) is None


def test_m1_a_member_from_outside_takes_no_lead_of_the_unit(harbor: Brokerage) -> None:
    pond = make_pond(harbor.whole, harbor.eve, harbor.dee)
    teams, offices, wholes = (in_pond(make_lead(unit), pond) for unit in (harbor.lakeside, harbor.north, harbor.whole))
    personal = in_pond(make_lead(harbor.ben), pond)
    assign(teams, harbor.ben, "assistant")
    with pytest.raises(OutsideError, match="It belongs to Lakeside: only its members"):
        take(actor=harbor.eve, lead=teams)
    note(harbor.eve, teams)
    assert agent_of(teams) is None, "what she did stands, and the lead stays in the pond"
    for user, lead in ((harbor.dee, offices), (harbor.eve, wholes), (harbor.eve, personal)):
        take(actor=user, lead=lead)
        assert agent_of(lead) == user


def test_m1_who_may_be_a_member_fits_whom_it_lets_take(harbor: Brokerage) -> None:
    team, whole = make_pond(harbor.lakeside, harbor.eve), make_pond(harbor.whole)
    assert {person.name for person in newcomers_to(fresh(harbor.broker), team)} == {"Ana", "Ben", "Lead"}
    assert harbor.dee in newcomers_to(fresh(harbor.broker), make_pond(harbor.north))
    assert harbor.eve in newcomers_to(fresh(harbor.broker), whole)
    assert guests_of(team) == {harbor.eve.pk}
    with pytest.raises(ValidationError, match="of Lakeside or a unit below"):
        set_member(actor=harbor.broker, pond=team, user=harbor.dee, may_claim=True)
    set_member(actor=harbor.broker, pond=team, user=harbor.eve, may_claim=False)
