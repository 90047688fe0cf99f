"""Conflicts over a person who is known already (C8): opened, decided, closed by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from crm.notifications.live import counts_for
from crm.notifications.models import Notification
from crm.notifications.subjects import notices_for
from crm.organization.models import Company, Unit, User
from leads import signals
from leads.models import Activity, Conflict, Lead, OwnershipRequest
from leads.services.answering import accept
from leads.services.arriving import Arrival, take_in
from leads.services.disputing import DecidedError, decide, options
from leads.services.erasing import erase
from leads.services.transferring import transfer_leads
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile
from routing.models import Offer
from tests.factories.leads import make_lead
from tests.factories.people import fresh, leave_company, make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, run, undo
from tests.routing.scenes import on_roster
from tests.support.racing import together

EMAIL, PHONE = "maya@mail.example", "2015550123"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return ready()


def ready(policy: str = "visible") -> Brokerage:
    harbor = brokerage(policy)
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    Company.objects.filter(pk=harbor.company.pk).update(reregistration="dispute")
    return harbor


def hers(harbor: Brokerage, **fields: Any) -> Lead:
    return make_lead(harbor.dee, emails=[EMAIL], first_name="Maya", last_name="Okafor", **fields)


def comes(owner: Unit | User, said: str = "Is it free?", *emails: str) -> Conflict:
    """The newest conflict once this person came in by a channel of this owner."""
    fields = {"first_name": "Maya", "last_name": "Okafor"}
    sent = Arrival(ref=1, owner=owner, why="Website", fields=fields, emails=emails or [EMAIL], said=said)
    take_in(Company.objects.get(pk=owner.company_id), [sent])
    return Conflict.objects.with_leads().latest("pk")


def codes(actor: User, conflict: Conflict) -> list[str]:
    """The options that are open to her."""
    again = Conflict.objects.with_leads().get(pk=conflict.pk)
    return [one.code for one in options(fresh(actor), again) if one.is_open]


def decides(actor: User, conflict: Conflict, code: str, note: str = "She came first.") -> Conflict:
    decide(actor=fresh(actor), conflict=conflict, code=code, note=note)
    return now(conflict)


def now(conflict: Conflict) -> Conflict:
    return Conflict.objects.with_leads().get(pk=conflict.pk)


def level(user: User, lead: Lead) -> Level:
    return access_to(load_keyring(fresh(user)), Lead.objects.get(pk=lead.pk)).level


def told(user: User) -> list[str]:
    """What she reads of conflicts, the newest first."""
    rows = Notification.objects.filter(user=user, kind__in=["conflict", "owned", "owner_changed"]).order_by("-pk")
    return [f"{one.title} {one.body}" for one in notices_for(fresh(user), rows)]


def waits_for(user: User) -> int:
    return counts_for(fresh(user))["requests"]


# --- opening ----------------------------------------------------------------------------------------------------------


def test_c8_a_dispute_opens_as_the_person_comes_in_and_managers_of_the_company_are_told(harbor: Brokerage) -> None:
    known = hers(harbor)
    conflict = comes(harbor.lakeside)
    assert (conflict.known, conflict.known_by, conflict.arrived.owner) == (known, harbor.dee, harbor.lakeside)
    assert (conflict.came_by, conflict.alike_by, conflict.verdict) == ("Website", ["email"], "open")
    assert Offer.objects.filter(lead=conflict.arrived, state="open").exists()
    assert [len(told(one)) for one in (harbor.broker, harbor.north_admin, harbor.lead, harbor.dee)] == [1, 0, 0, 0]
    assert "Maya" not in told(harbor.broker)[0]
    assert [waits_for(one) for one in (harbor.broker, harbor.north_admin, harbor.dee, stranger())] == [1, 0, 0, 0]


def test_c8_it_opens_once_for_a_pair_however_often_the_person_comes(harbor: Brokerage) -> None:
    hers(harbor)
    conflict = comes(harbor.lakeside)
    assert comes(harbor.lakeside, "Hello?") == conflict
    assert comes(harbor.hilltop, "Still there?") == conflict
    assert Activity.objects.filter(lead=conflict.arrived, kind="inquiry").count() == 3


def test_c8_many_at_once_are_told_of_at_once(harbor: Brokerage) -> None:
    arrivals = []
    for number in range(3):
        make_lead(harbor.dee, emails=[f"m{number}@mail.example"])
        arrivals.append(
            Arrival(number, harbor.lakeside, "Website", {"first_name": "M"}, emails=[f"m{number}@mail.example"])
        )
    take_in(Company.objects.get(pk=harbor.company.pk), arrivals)
    assert Conflict.objects.count() == 3
    assert [title[:23] for title in told(harbor.broker)] == ["3 conflicts wait for yo"]


def test_c8_two_personal_channels_dispute_too(harbor: Brokerage) -> None:
    hers(harbor)
    conflict = comes(harbor.ana)
    assert (conflict.known.owner, conflict.arrived.owner) == (harbor.dee, harbor.ana)
    assert level(harbor.dee, conflict.arrived) == level(harbor.ana, conflict.known) == Level.NONE
    assert codes(harbor.broker, conflict) == ["both", "ask-known", "ask-arrived"]


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_c8_both_keep_theirs_and_neither_sees_the_others(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    after = decides(harbor.broker, conflict, "both", " They asked twice. ")
    assert (after.verdict, after.decided_by, after.note) == ("both", harbor.broker, "They asked twice.")
    assert (after.known.owner, after.arrived.owner) == (harbor.dee, harbor.lakeside)
    assert level(harbor.dee, after.arrived) == level(harbor.ana, after.known) == Level.NONE
    for person in (harbor.dee, harbor.ana):
        assert told(person) == [
            "Maya Okafor stays where it is Broker decided a conflict over this person: both keep theirs."
        ]
    facts = LedgerEntry.objects.filter(kind="decided").order_by("lead_id")
    assert [(fact.lead_id, fact.actor_id, fact.to_user_id) for fact in facts] == [
        (after.known_id, harbor.broker.pk, None),
        (after.arrived_id, harbor.broker.pk, None),
    ]
    assert waits_for(harbor.broker) == 0


def comes_to_ana(harbor: Brokerage, **fields: Any) -> Conflict:
    """Dee's lead comes in to Lakeside, where Ana works it."""
    hers(harbor, **fields)
    conflict = comes(harbor.lakeside)
    assert conflict.arrived.agent == harbor.ana
    return conflict


def test_c8_it_is_the_persons_who_knew_her(harbor: Brokerage) -> None:
    after = decides(harbor.broker, comes_to_ana(harbor), "known")
    assert (after.verdict, after.arrived.owner, after.arrived.agent) == ("known", harbor.dee, harbor.dee)
    assert not Offer.objects.filter(state="open").exists()
    assert [level(one, after.arrived) for one in (harbor.dee, harbor.ana)] == [Level.MANAGE, Level.NONE]
    assert told(harbor.dee) == [
        "Maya Okafor: a conflict is decided Broker decided: the other lead of this person is Dee’s too."
    ]
    assert told(harbor.ana) == ["A lead of yours went to somebody else Broker decided a conflict over this person."]
    moved = LedgerEntry.objects.get(lead_id=after.arrived_id, kind="owner_changed")
    assert (moved.actor_id, moved.why, moved.to_user_id) == (harbor.broker.pk, "conflict", harbor.dee.pk)


def test_p3_whose_profile_moves_no_leads_decides_without_moving(harbor: Brokerage) -> None:
    clerk = make_manager(harbor.whole, "Clerk", profile="agent")
    conflict = comes_to_ana(harbor)
    assert codes(clerk, conflict) == ["both", "known", "ask-arrived"]
    Profile.objects.filter(company=harbor.company, code="agent").update(permissions=[])
    assert codes(clerk, conflict) == ["both", "ask-arrived"]
    with pytest.raises(ValidationError):
        decides(clerk, conflict, "known")


@pytest.mark.parametrize(
    ("policy", "hidden", "expected"),
    [
        ("visible", False, ["both", "known", "ask-arrived"]),
        ("visible", True, ["both", "known"]),
        ("private", False, ["both", "known"]),
        ("managed", False, ["both", "known", "arrived"]),
        ("managed", True, ["both", "known"]),
    ],
)
@pytest.mark.django_db
def test_o5_nobody_gives_a_personal_lead_away_for_her(policy: str, hidden: bool, expected: list[str]) -> None:
    harbor = ready(policy)
    conflict = comes_to_ana(harbor, hidden=hidden)
    assert codes(harbor.broker, conflict) == expected
    for code in {"arrived", "ask-arrived", "ask-known", "closed", "open", ""} - {*expected}:
        with pytest.raises(ValidationError):
            decides(harbor.broker, conflict, code)
    assert now(conflict).verdict == "open"
    assert now(conflict).known.owner == harbor.dee


@pytest.mark.django_db
def test_o5_loosening_gives_no_more_to_decide() -> None:
    harbor = ready("private")
    conflict = comes_to_ana(harbor)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="managed")
    assert codes(harbor.broker, conflict) == ["both", "known"]


@pytest.mark.django_db
def test_o5_under_managed_it_goes_to_the_unit_and_she_is_told() -> None:
    harbor = ready("managed")
    after = decides(harbor.broker, comes_to_ana(harbor), "arrived")
    assert (after.verdict, after.known.owner, after.arrived.owner) == ("arrived", harbor.lakeside, harbor.lakeside)
    assert level(harbor.dee, after.known) == Level.NONE
    assert told(harbor.dee) == ["A lead of yours went to Lakeside Broker changed the owner."]
    assert told(harbor.ana) == [
        "Maya Okafor: a conflict is decided Broker decided: the other lead of this person is Lakeside’s too."
    ]


def test_o5_under_company_only_nothing_goes_to_a_person(harbor: Brokerage) -> None:
    hers(harbor)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="company_only")
    conflict = comes(harbor.lakeside)
    assert conflict.arrived.owner == harbor.whole
    assert codes(harbor.broker, conflict) == ["both", "ask-arrived"]


def test_p4_the_owner_is_asked_and_the_conflict_closes_when_she_gives_it_away(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    assert decides(harbor.broker, conflict, "ask-arrived", "It came by our site.").verdict == "open"
    asked = OwnershipRequest.objects.get()
    assert (asked.lead_id, asked.kind, asked.asked_by, asked.note) == (
        conflict.known_id,
        "release",
        harbor.broker,
        "It came by our site.",
    )
    with pytest.raises(ValidationError, match="asked already"):
        decides(harbor.broker, conflict, "ask-arrived")
    accept(decider=fresh(harbor.dee), request=asked, pool=harbor.hilltop)
    after = now(conflict)
    assert (after.verdict, after.decided_by, after.known.owner) == ("closed", None, harbor.hilltop)
    assert after.note == "The lead there was has another owner since."


def test_p4_whoever_asked_and_then_decides_asks_no_more(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    decides(harbor.broker, conflict, "ask-arrived")
    decides(harbor.broker, conflict, "both")
    assert OwnershipRequest.objects.get().state == "withdrawn"


def test_c8_only_managers_of_the_company_decide(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    for person in (harbor.north_admin, harbor.lead, harbor.dee, harbor.ana, stranger()):
        with pytest.raises(PermissionDenied):
            decides(person, conflict, "both")
    assert now(conflict).verdict == "open"


def test_c8_a_conflict_is_decided_once(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    decides(harbor.broker, conflict, "both")
    with pytest.raises(DecidedError):
        decides(harbor.broker, conflict, "known")
    assert now(conflict).arrived.owner == harbor.lakeside


def test_c8_of_two_managers_at_once_one_decides(committing_db: str) -> None:
    harbor = ready()
    other = make_manager(harbor.whole, "Other")
    conflict = comes_to_ana(harbor)

    def tries(person: User, code: str) -> str:
        try:
            return decides(person, conflict, code).verdict
        except DecidedError:
            return "late"

    outcomes = together(lambda: tries(harbor.broker, "known"), lambda: tries(other, "both"))
    assert sorted(outcomes) in (["both", "late"], ["known", "late"])
    assert now(conflict).arrived.owner == (harbor.dee if "known" in outcomes else harbor.lakeside)


# --- closing by itself ------------------------------------------------------------------------------------------------


def test_c8_it_closes_when_a_lead_is_gone(harbor: Brokerage) -> None:
    give_profile(harbor.dee, "team_lead")
    for side in ("known", "arrived"):
        email = f"{side}@mail.example"
        make_lead(harbor.dee, emails=[email])
        conflict = comes(harbor.lakeside, "Hello", email)
        owner = harbor.dee if side == "known" else harbor.broker
        done(owner, "delete", [getattr(conflict, side)])
        assert (now(conflict).verdict, now(conflict).decided_by) == ("closed", None)
        assert waits_for(harbor.broker) == 0


def test_m6_c8_it_opens_again_when_the_deleted_lead_comes_back(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    deleted = done(harbor.broker, "delete", [conflict.arrived])
    assert now(conflict).verdict == "closed"
    run(undo(harbor.broker, deleted))
    assert (now(conflict).verdict, now(conflict).decided_at, now(conflict).note) == ("open", None, "")
    assert waits_for(harbor.broker) == 1


def test_c8_it_closes_when_both_come_to_one_owner_and_stays_open_otherwise(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    move = {"actor": fresh(harbor.broker), "lead_ids": [conflict.arrived_id], "why": "by hand"}
    transfer_leads(to=harbor.hilltop, **move)
    assert now(conflict).verdict == "open"
    transfer_leads(to=harbor.dee, **move)
    assert (now(conflict).verdict, now(conflict).note) == ("closed", "Both leads have one owner since.")


def test_o4_it_closes_when_she_leaves_and_opens_when_that_is_undone(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    answers = signals.departing.send(sender=User, user=harbor.dee, units=None)
    kept = {receiver.__module__: answer for receiver, answer in answers}
    assert (now(conflict).verdict, now(conflict).note) == ("closed", "Dee left the company.")
    signals.coming_back.send(sender=User, user=harbor.dee, kept=kept)
    assert (now(conflict).verdict, now(conflict).decided_at, now(conflict).note) == ("open", None, "")


def test_c8_nothing_goes_to_who_has_left(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    leave_company(harbor.dee)
    assert codes(harbor.broker, conflict) == ["both", "ask-arrived"]
    with pytest.raises(ValidationError, match="Nobody may decide"):
        decides(harbor.broker, conflict, "ask-arrived")


def test_m9_erasing_forgets_the_reason(harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    decides(harbor.broker, conflict, "both", "Maya asked twice.")
    erase(actor=fresh(harbor.broker), kind="email", value=EMAIL)
    assert now(conflict).note == ""
