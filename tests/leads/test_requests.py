"""Ownership requests (P4): what may be asked, who decides, and what an answer does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.functions import Now

from crm.notifications.live import counts_for
from crm.notifications.models import Notification
from crm.organization.models import Company, Unit, User
from leads.models import Lead, OwnershipRequest
from leads.services.answering import AnsweredError, accept, pools_for, refuse
from leads.services.asking import ask, askable, withdraw
from leads.services.deciding import deciders
from leads.services.sharing import share_lead
from leads.services.transferring import release_leads, transfer_leads
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, join, leave_company, leave_unit, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.support.racing import together


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def may_ask(user: User, lead: Lead) -> dict[str, Unit | User | None]:
    """What she may ask for, and whose the lead would be."""
    user = fresh(user)
    lead = Lead.objects.for_rows().get(pk=lead.pk)
    return {one.kind.value: one.to for one in askable(user, load_keyring(user), lead)}


def asks(user: User, lead: Lead, kind: str = "transfer", note: str = "") -> OwnershipRequest:
    return ask(asker=fresh(user), lead=lead, kind=kind, note=note)


def says_yes(user: User, request: OwnershipRequest, **fields: Any) -> OwnershipRequest:
    return accept(decider=fresh(user), request=request, **fields)


def transfer(actor: User, to: Unit | User, lead: Lead) -> None:
    transfer_leads(actor=fresh(actor), lead_ids=[lead.pk], to=to, why="by hand")


def waits_for(user: User) -> int:
    return counts_for(fresh(user))["requests"]


def told(user: User) -> list[tuple[str, str]]:
    found = Notification.objects.filter(user=user).order_by("pk")
    return list(found.values_list("title", "body"))


def kinds(lead: Lead) -> list[str]:
    return list(LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk").values_list("kind", flat=True))


def set_policy(harbor: Brokerage, policy: str) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads=policy)


# --- What may be asked, and of whom -----------------------------------------------------------------------------------


def test_p4_an_agent_asks_for_what_she_cannot_do_herself(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    assign(lead, harbor.ana, "assistant")
    assert may_ask(harbor.ana, lead) == {"release": None, "transfer": harbor.ana}
    assert may_ask(harbor.ben, lead) == {"transfer": harbor.ben}  # her own slot she clears herself
    assert may_ask(harbor.lead, lead) == {}  # who manages it need not ask
    assert may_ask(harbor.eve, lead) == may_ask(stranger(), lead) == {}
    with pytest.raises(ValidationError):
        asks(harbor.eve, lead)


def test_p4_of_a_personal_lead_colleagues_may_ask_its_owner(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    assert may_ask(harbor.lead, lead) == {"release": None, "transfer": harbor.lead}
    assert may_ask(harbor.ana, lead) == {}
    hidden = make_lead(harbor.ana, hidden=True)
    assert may_ask(harbor.lead, hidden) == {}  # redacted
    assert deciders(lead, "transfer") == [harbor.ana]


def test_p4_to_give_back_is_asked_by_whom_it_was_taken_from(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    transfer(harbor.lead, harbor.ana, lead)
    for user in (harbor.lead, harbor.north_admin, harbor.broker):
        assert may_ask(user, lead)["give_back"] == harbor.lakeside
    transfer(harbor.ana, harbor.ben, lead)
    share_lead(keyring=load_keyring(harbor.ben), actor=harbor.ben, lead=lead, user=harbor.ana, verb="view_lead")
    assert may_ask(harbor.ana, lead)["give_back"] == harbor.ana
    assert "give_back" not in may_ask(harbor.lead, lead)


def test_o5_under_company_only_one_asks_for_the_company_at_most(harbor: Brokerage) -> None:
    lead, hers = make_lead(harbor.whole), make_lead(harbor.lakeside, agent=harbor.ben)
    transfer(harbor.broker, harbor.north, lead)
    set_policy(harbor, "company_only")
    assign(lead, harbor.ana, "assistant")
    join(harbor.ana, harbor.whole)
    assert may_ask(harbor.ana, lead) == {"give_back": harbor.whole}
    assert may_ask(harbor.ben, hers) == {}


def test_p4_the_nearest_who_may_decide_are_asked(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    second = make_manager(harbor.lakeside, "Second")
    assert deciders(lead, "transfer") == [harbor.lead, second]
    for manager in (harbor.lead, second):
        give_profile(manager, "agent")
    assert deciders(lead, "transfer") == [harbor.lead, second]  # the Agent profile has it, the role is what counts
    for manager in (harbor.lead, second):
        leave_company(manager)
    assert deciders(lead, "transfer") == [harbor.north_admin]
    assert deciders(make_lead(harbor.whole), "release") == [harbor.broker]


def test_p4_of_somebody_who_left_her_managers_decide_only_under_managed() -> None:
    harbor = brokerage("managed")
    lead = make_lead(harbor.ana)
    leave_company(harbor.ana)
    assert deciders(lead, "transfer") == [harbor.lead]
    set_policy(harbor, "visible")
    assert deciders(lead, "transfer") == []
    with pytest.raises(ValidationError, match="Nobody"):
        asks(harbor.lead, lead)


# --- Asking -----------------------------------------------------------------------------------------------------------


def test_p4_asking_tells_who_decides_and_stands_in_the_ledger(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya")
    request = asks(harbor.ana, lead, note="  Her cousin is my client. ")
    assert (request.note, request.state) == ("Her cousin is my client.", "open")
    assert told(harbor.lead) == [("Ana asks you for {lead}", "")]  # neither name nor note: both are read when shown
    assert told(harbor.north_admin) == []
    fact = LedgerEntry.objects.get(kind="requested")
    assert (fact.actor, fact.lead_id, fact.detail) == (harbor.ana, lead.pk, {"request": request.pk, "asks": "transfer"})
    assert [waits_for(user) for user in (harbor.lead, harbor.north_admin, harbor.broker)] == [1, 1, 1]
    assert [waits_for(user) for user in (harbor.ana, harbor.ben, harbor.eve, stranger())] == [0, 0, 0, 0]


def test_p4_one_open_request_per_lead_and_person(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.ben, "assistant")
    first = asks(harbor.ana, lead)
    with pytest.raises(ValidationError, match="already"):
        asks(harbor.ana, lead)
    asks(harbor.ben, lead, "release")
    assert withdraw(asker=harbor.ana, request=first)
    assert not withdraw(asker=harbor.ana, request=first)
    asks(harbor.ana, lead)


# --- Answering --------------------------------------------------------------------------------------------------------


def test_p4_accepting_a_transfer_makes_the_asker_the_owner(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.ben, "assistant")
    other = asks(harbor.ben, lead, "release")
    request = says_yes(harbor.lead, asks(harbor.ana, lead), words="All yours.")
    lead.refresh_from_db()
    assert (lead.owner, lead.agent) == (harbor.ana, harbor.ana)
    request.refresh_from_db()
    assert (request.state, request.answered_by, request.answer) == ("accepted", harbor.lead, "All yours.")
    assert kinds(lead) == ["requested", "requested", "owner_changed", "unassigned"]
    assert LedgerEntry.objects.get(lead_id=lead.pk, kind="owner_changed").why == "request"
    assert told(harbor.ana) == [("Lead accepted your request for {lead}", "")]
    other.refresh_from_db()
    assert (other.state, other.answer) == ("lapsed", "It has another owner since.")
    assert told(harbor.ben) == [("Your request for {lead} has lapsed", "It has another owner since.")]


def test_p4_accepting_a_release_frees_a_units_lead(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    assign(lead, harbor.ana, "assistant")
    give_profile(harbor.lead, "agent")
    says_yes(harbor.lead, asks(harbor.ana, lead, "release"))
    lead.refresh_from_db()
    assert (lead.owner, lead.agent) == (harbor.lakeside, None)
    assert kinds(lead) == ["requested", "released"]


def test_p4_a_personal_lead_is_released_to_a_unit_its_origin_first(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    came = make_lead(harbor.ana, origin="company", origin_unit=harbor.south)
    assert pools_for(harbor.ana, [lead, came]) == {lead.pk: [harbor.lakeside], came.pk: [harbor.south, harbor.lakeside]}
    request = asks(harbor.lead, lead, "release")
    for pool in (None, harbor.south):
        with pytest.raises(ValidationError):
            says_yes(harbor.ana, request, pool=pool)
    request.refresh_from_db()
    assert request.state == "open"
    says_yes(harbor.ana, request, pool=harbor.lakeside)
    says_yes(harbor.ana, asks(harbor.lead, came, "release"), pool=harbor.south)
    lead.refresh_from_db()
    came.refresh_from_db()
    assert (lead.owner, lead.holder_id, came.owner) == (harbor.lakeside, None, harbor.south)


def test_p4_giving_back_goes_to_where_it_came_from(harbor: Brokerage) -> None:
    lead = make_lead(harbor.hilltop)
    transfer(harbor.north_admin, harbor.ana, lead)
    says_yes(harbor.ana, asks(harbor.north_admin, lead, "give_back"))
    lead.refresh_from_db()
    assert lead.owner == harbor.hilltop  # which Ana could not choose by herself


def test_p4_refusing_changes_nothing_and_tells_the_asker(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    request = refuse(decider=harbor.lead, request=asks(harbor.ana, lead), words="Not now.")
    lead.refresh_from_db()
    assert (lead.owner, request.state, request.answer) == (harbor.lakeside, "refused", "Not now.")
    assert kinds(lead) == ["requested", "refused"]
    assert told(harbor.ana) == [("Lead refused your request for {lead}", "")]
    assert waits_for(harbor.lead) == 0


@pytest.mark.parametrize("answer", [accept, refuse])
def test_p4_only_who_may_decide_answers(harbor: Brokerage, answer: Callable[..., OwnershipRequest]) -> None:
    request = asks(harbor.ana, make_lead(harbor.lakeside, agent=harbor.ana))
    for user in (harbor.ana, harbor.ben, harbor.eve, stranger()):
        with pytest.raises(PermissionDenied):
            answer(decider=user, request=request)
    request.refresh_from_db()
    assert request.state == "open"


# --- A ground that is gone --------------------------------------------------------------------------------------------


def test_p4_a_request_lapses_when_the_owner_changes_meanwhile(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    request = asks(harbor.ana, lead)
    transfer(harbor.lead, harbor.north, lead)
    request.refresh_from_db()
    assert (request.state, request.answer) == ("lapsed", "It has another owner since.")
    with pytest.raises(AnsweredError, match="lapsed"):
        says_yes(harbor.lead, request)


def test_p4_a_release_lapses_when_it_is_free_already(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    assign(lead, harbor.ana, "assistant")
    release, transfer_to_me = asks(harbor.ana, lead, "release"), asks(harbor.ben, lead)
    release_leads(actor=harbor.lead, lead_ids=[lead.pk], why="by hand")
    for request, state in ((release, "lapsed"), (transfer_to_me, "open")):
        request.refresh_from_db()
        assert request.state == state


def test_p4_a_request_lapses_with_a_sentence_when_the_asker_is_out_of_it(harbor: Brokerage) -> None:
    unseen, gone = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside, agent=harbor.ben)
    requests = [asks(harbor.ana, unseen), asks(harbor.ben, gone)]
    unseen.assignments.all().delete()
    leave_company(harbor.ben)
    sentences = ["Ana cannot see this lead any more.", "Ben is not active any more."]
    for request, sentence in zip(requests, sentences, strict=True):
        found = says_yes(harbor.lead, request)
        assert (found.state, found.answer, found.answered_by) == ("lapsed", sentence, None)
    assert {lead.owner for lead in Lead.objects.filter(pk__in=[unseen.pk, gone.pk])} == {harbor.lakeside}


def test_p4_to_give_back_lapses_when_the_unit_is_closed_or_not_hers_any_more(harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside), make_lead(harbor.hilltop)]
    member = join(make_member(harbor.lakeside, "Member", profile="team_lead"), harbor.north, "admin")
    for lead in leads:
        transfer(harbor.north_admin, harbor.ana, lead)
    requests = [asks(member, lead, "give_back") for lead in leads]
    Unit.objects.filter(pk=harbor.lakeside.pk).update(closed_at=Now())
    assert says_yes(harbor.ana, requests[0]).state == "lapsed"
    leave_unit(member, harbor.north)
    assert says_yes(harbor.ana, requests[1]).state == "lapsed"


def test_o5_to_transfer_lapses_under_company_only(harbor: Brokerage) -> None:
    request = asks(harbor.ana, make_lead(harbor.lakeside, agent=harbor.ana))
    set_policy(harbor, "company_only")
    assert says_yes(harbor.lead, request).state == "lapsed"


# --- At the same moment -----------------------------------------------------------------------------------------------


def attempt(act: Callable[[], OwnershipRequest]) -> str:
    try:
        return act().state
    except AnsweredError as error:
        return str(error)


def test_p4_two_deciders_at_once_one_wins_and_the_other_is_told_who(committing_db: str) -> None:
    harbor = brokerage()
    for _ in range(10):
        request = asks(harbor.ana, make_lead(harbor.lakeside, agent=harbor.ana))
        answers = together(
            partial(attempt, partial(accept, decider=harbor.lead, request=request)),
            partial(attempt, partial(refuse, decider=harbor.north_admin, request=request)),
        )
        request.refresh_from_db()
        if request.state == "accepted":
            assert answers == ["accepted", "Lead accepted this request already."]
        else:
            assert answers == ["North Admin refused this request already.", "refused"]


def test_p4_asking_twice_at_once_asks_once(committing_db: str) -> None:
    harbor = brokerage()
    lead = make_lead(harbor.lakeside, agent=harbor.ana)

    def click() -> bool:
        try:
            asks(harbor.ana, lead)
        except ValidationError:
            return False
        return True

    assert sorted(together(*[click] * 4)) == [False, False, False, True]
    assert kinds(lead) == ["requested"]


def test_p4_accepting_and_transferring_at_once_does_one_of_them(committing_db: str) -> None:
    harbor = brokerage()
    for _ in range(10):
        lead = make_lead(harbor.lakeside, agent=harbor.ana)
        request = asks(harbor.ana, lead)
        together(
            partial(attempt_any, partial(accept, decider=harbor.lead, request=request)),
            partial(attempt_any, partial(transfer, harbor.north_admin, harbor.ben, lead)),
        )
        lead.refresh_from_db()
        request.refresh_from_db()
        assert (lead.owner, request.state) in ((harbor.ana, "accepted"), (harbor.ben, "lapsed"))
        assert kinds(lead).count("owner_changed") == 1


def attempt_any(act: Callable[[], object]) -> None:
    try:
        act()
    except (AnsweredError, PermissionDenied):
        pass
