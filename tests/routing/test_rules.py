"""R1, R12: which rule a lead follows, what becomes of it, drafts and their pages, and what the linter says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from leads.models import Assignment, Lead, PondMember
from permissions.models import LedgerEntry
from routing.models import LAST, Decision, Offer, Rotation, RoutingPolicy, RuleBook
from routing.rules import Subject, covers, first_match, matches
from routing.services import rules as services
from routing.services.explaining import steps_of
from routing.services.handing_out import expire_due
from routing.services.rules import RuleValues, begin_draft, draft_rules, live_rules, save_rule, turn_on
from routing.services.team import ChangedMeanwhileError, NotEligibleError
from routing.services.wording import book_said
from tests.factories.leads import make_lead, make_pond
from tests.factories.people import company_unit, make_member
from tests.factories.scenes import Brokerage, stranger
from tests.routing.capture.scenes import make_channel
from tests.routing.scenes import lakeside, make_policy, on_roster, route

UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday


# --- which leads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "subject", "holds"),
    [
        ({}, Subject(), True),
        ({"source": ["Zillow", "Open house"]}, Subject(source="open  House"), True),
        ({"source": ["Zillow"]}, Subject(source="Zillow 2"), False),
        ({"source": ["Zillow"]}, Subject(), False),
        ({"channel": [7]}, Subject(channel=7), True),
        ({"kind": ["buyer"]}, Subject(kind="seller"), False),
        ({"state": ["AZ", "CA"]}, Subject(state=" az "), True),
        ({"state": ["AZ"]}, Subject(state="Arizona"), True),
        ({"state": ["AZ"]}, Subject(), False),
        ({"city": ["San Diego"]}, Subject(city="SAN  diego"), True),
        ({"postal_code": ["850", "85253"]}, Subject(postal_code="85012"), True),
        ({"postal_code": ["850"]}, Subject(postal_code="18501"), False),
        ({"tag": ["Hot"]}, Subject(tags=("cold", "hot")), True),
        ({"tag": ["hot"]}, Subject(), False),
        ({"language": ["es"]}, Subject(language="ES"), True),
        ({"price": [[200, 400]]}, Subject(price=(400, 900)), True),
        ({"price": [[200, 400]]}, Subject(price=(401, None)), False),
        ({"price": [[None, 400]]}, Subject(price=(None, 300)), True),
        ({"price": [[500, None]]}, Subject(price=(100, 499)), False),
        ({"price": [[500, None], [1, 2]]}, Subject(price=(2, 2)), True),
        ({"price": [[0, None]]}, Subject(), False),
        ({"hours": [[[2], "09:00", "17:00"]]}, Subject(at=NOON), True),
        ({"hours": [[[2], "12:01", "17:00"]]}, Subject(at=NOON), False),
        ({"hours": [[[2], "09:00", "17:00"]]}, Subject(), False),
        ({"state": ["AZ"], "kind": ["buyer"]}, Subject(state="AZ", kind="seller"), False),
        ({"state": ["AZ"], "kind": ["buyer"]}, Subject(state="AZ", kind="buyer"), True),
        ({"state": [], "kind": ["buyer"]}, Subject(kind="buyer"), True),
    ],
)
def test_r1_or_within_a_kind_and_between_kinds(conditions: Any, subject: Subject, holds: bool) -> None:
    assert matches(conditions, subject, UTC_ZONE) is holds


VALUES = {
    "source": st.lists(st.sampled_from(["Zillow", "zillow", "Web"]), max_size=3, unique=True),
    "state": st.lists(st.sampled_from(["AZ", "CA", "tx"]), max_size=3, unique=True),
    "postal_code": st.lists(st.sampled_from(["8", "85", "851", "90"]), max_size=3, unique=True),
    "price": st.lists(st.sampled_from([[1, 5], [3, 9], [None, 4], [6, None], [2, 3]]), max_size=2),
}
CONDITIONS = st.fixed_dictionaries({}, optional=VALUES)
SUBJECTS = st.builds(
    Subject,
    source=st.sampled_from(["", "ZILLOW", "web"]),
    state=st.sampled_from(["", "AZ", "ca", "TX"]),
    postal_code=st.sampled_from(["", "85012", "85123", "90210"]),
    price=st.sampled_from([(None, None), (1, 2), (3, None), (5, 7), (None, 9)]),
)


@given(CONDITIONS, CONDITIONS, SUBJECTS)
def test_r12_what_is_covered_never_matches_where_the_earlier_rule_does_not(a: Any, b: Any, subject: Subject) -> None:
    if covers(a, b) and matches(b, subject, UTC_ZONE):
        assert matches(a, subject, UTC_ZONE)


class Held:
    def __init__(self, conditions: Any) -> None:
        self.conditions = conditions


@given(st.lists(CONDITIONS.map(Held), max_size=5), SUBJECTS)
def test_r1_the_first_that_matches_wins(rules: list[Held], subject: Subject) -> None:
    found = first_match(rules, subject, UTC_ZONE)
    holding = [rule for rule in rules if matches(rule.conditions, subject, UTC_ZONE)]
    assert found is (holding[0] if holding else None)


# --- what becomes of them ---------------------------------------------------------------------------------------------


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


@pytest.fixture
def db_only(db: None) -> None:
    """The tests below need the database."""


def book(harbor: Brokerage, *rules: RuleValues, last: RuleValues | None = None) -> RuleBook:
    """These rules in effect for Lakeside, and the last one."""
    actor = harbor.lead
    draft = begin_draft(actor=actor, unit=harbor.lakeside)
    if last:
        save_rule(actor=actor, unit=harbor.lakeside, rule=draft.rules.get(position=LAST), values=last, version=1)
    for values in rules:
        now = draft_rules(harbor.lakeside)
        assert now is not None
        save_rule(actor=actor, unit=harbor.lakeside, rule=None, values=values, version=now.version)
    now = draft_rules(harbor.lakeside)
    assert now is not None
    return turn_on(actor=actor, unit=harbor.lakeside, version=now.version)


def routed(harbor: Brokerage, **fields: Any) -> Lead:
    lead = make_lead(harbor.lakeside, **fields)
    route(harbor.lakeside, lead)
    lead.refresh_from_db()
    return lead


pytestmark = pytest.mark.usefixtures("db_only")


def test_r1_one_person_gets_it_without_a_timer(harbor: Brokerage) -> None:
    book(harbor, RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    lead, other = routed(harbor, state="AZ"), routed(harbor, state="CA")
    assert (lead.agent, Offer.objects.filter(lead=lead).count()) == (harbor.ben, 0)
    assert Rotation.objects.get(lead=lead).outcome == "handed"
    assert Offer.objects.get(lead=other).state == "open"
    decision = Decision.objects.get(lead=lead)
    assert (decision.method, decision.rule.position if decision.rule else None) == ("person", 1)


def test_r1_a_pond_gets_it_and_the_ledger_says_so(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana)
    book(harbor, last=RuleValues("", {}, "pond", pond_id=pond.pk))
    lead = routed(harbor)
    slot = Assignment.objects.get(lead=lead)
    assert (slot.pond, slot.user, lead.agent) == (pond, None, None)
    assert LedgerEntry.objects.filter(lead_id=lead.pk, kind="pooled", actor=None).count() == 1
    assert Rotation.objects.get(lead=lead).outcome == "pooled"


@pytest.mark.parametrize("why", ["left", "closed"])
def test_r8_where_the_person_left_or_the_pond_closed_the_fallback_has_it(harbor: Brokerage, why: str) -> None:
    gone, pond = make_member(harbor.lakeside), make_pond(harbor.lakeside)
    target = {"user_id": gone.pk} if why == "left" else {"pond_id": pond.pk}
    book(harbor, last=RuleValues("", {}, "person" if why == "left" else "pond", **target))
    gone.is_active = False
    gone.save()
    pond.closed_at = NOON
    pond.save()
    assert routed(harbor).agent == harbor.lead


def test_r8_the_fallback_may_be_a_pond(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside)
    make_policy(harbor.lakeside, fallback=None, fallback_pond=pond, passes=1)
    lead = routed(harbor)
    for _ in range(2):
        Offer.objects.filter(state="open").update(deadline=NOON)
        expire_due()
    assert Assignment.objects.get(lead=lead).pond == pond
    assert (Rotation.objects.get(lead=lead).outcome, Offer.objects.filter(state="open").count()) == ("fallback", 0)


def test_r1_roster_first_is_number_one_whatever_the_policy(harbor: Brokerage) -> None:
    book(harbor, RuleValues("", {"kind": ["seller"]}, "number_one"))
    assert [routed(harbor, kind="seller").agent for _ in range(2)] == [harbor.ana, harbor.ana]
    assert not Offer.objects.exists()


def test_r2_round_robin_off_replaces_only_that_method(harbor: Brokerage) -> None:
    book(harbor, RuleValues("", {"kind": ["seller"]}, "first_to_claim"))
    make_policy(harbor.lakeside, round_robin=False, fallback=harbor.lead)
    assert routed(harbor, kind="buyer").agent == harbor.ana
    assert Offer.objects.get(lead=routed(harbor, kind="seller")).user is None


def test_r6_a_rule_may_have_its_own_window_and_another_roster(harbor: Brokerage) -> None:
    harbor.whole.refresh_from_db()
    on_roster(harbor.hilltop, harbor.dee)
    actor = harbor.broker
    draft = begin_draft(actor=actor, unit=harbor.whole)
    values = RuleValues("", {"state": ["AZ"]}, "round_robin", roster_id=harbor.hilltop.pk, minutes=5)
    save_rule(actor=actor, unit=harbor.whole, rule=None, values=values, version=draft.version)
    turn_on(actor=actor, unit=harbor.whole, version=draft.version + 1)
    lead = make_lead(harbor.whole, state="AZ")
    route(harbor.whole, lead)
    offer = Offer.objects.get(lead=lead)
    assert (offer.user, offer.unit, round((offer.deadline - offer.offered_at).total_seconds())) == (
        *(harbor.dee, harbor.hilltop),
        300,
    )


def test_r1_channel_and_source_and_hour_decide(harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    book(
        harbor,
        RuleValues("", {"source": ["Open house"]}, "person", user_id=harbor.ben.pk),
        RuleValues("", {"channel": [channel.pk]}, "person", user_id=harbor.lead.pk),
    )
    lead = make_lead(harbor.lakeside)
    request = channel.requests.create(company=harbor.company, body=b"x", digest=b"y" * 32, content_type="")
    request.leads.create(company=harbor.company, channel=channel, number=0, key=b"k" * 32, state="created", lead=lead)
    route(harbor.lakeside, lead)
    lead.refresh_from_db()
    assert lead.agent == harbor.lead
    assert routed(harbor, source="Open house").agent == harbor.ben


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_r1_a_draft_changes_nothing_before_it_is_turned_on(harbor: Brokerage) -> None:
    draft = begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    to_ben = RuleValues("", {}, "person", user_id=harbor.ben.pk)
    save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=None, values=to_ben, version=draft.version)
    assert Offer.objects.filter(lead=routed(harbor)).exists()
    turn_on(actor=harbor.lead, unit=harbor.lakeside, version=draft.version + 1)
    assert routed(harbor).agent == harbor.ben
    facts = LedgerEntry.objects.filter(kind="policy_changed", why="rules", to_unit_id=harbor.lakeside.pk)
    assert [fact.detail["rules"] for fact in facts] == [2]


def test_r1_the_last_rule_stays_and_has_no_conditions(harbor: Brokerage) -> None:
    draft = begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    last = draft.rules.get()
    services.remove_rule(actor=harbor.lead, unit=harbor.lakeside, rule_id=last.pk, version=1)
    values = RuleValues("", {"state": ["AZ"]}, "number_one")
    save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=last, values=values, version=2)
    last.refresh_from_db()
    assert (last.conditions, last.method, last.position) == ({}, "number_one", LAST)


def test_r1_live_rules_stay_as_they_are_when_the_next_draft_changes(harbor: Brokerage) -> None:
    live = book(harbor, RuleValues("One", {}, "number_one"), RuleValues("Two", {"state": ["AZ"]}, "number_one"))
    draft = begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    one, two, _ = draft.rules.order_by("position")
    services.move_rule(actor=harbor.lead, unit=harbor.lakeside, upper=one.pk, lower=two.pk, version=1)
    services.remove_rule(actor=harbor.lead, unit=harbor.lakeside, rule_id=one.pk, version=2)
    assert [rule.name for rule in live.rules.order_by("position")] == ["One", "Two", ""]
    turned = turn_on(actor=harbor.lead, unit=harbor.lakeside, version=3)
    assert [(rule.name, rule.position) for rule in turned.rules.order_by("position")] == [("Two", 1), ("", LAST)]
    live.refresh_from_db()
    assert (live.state, live.live_until is None) == ("past", False)
    assert live_rules(harbor.lakeside) == turned


def test_r1_what_was_changed_meanwhile_is_refused(harbor: Brokerage) -> None:
    begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    values = RuleValues("", {}, "number_one")
    save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=None, values=values, version=1)
    for act in (save_rule, turn_on):
        extra: dict[str, Any] = {"rule": None, "values": values} if act is save_rule else {}
        with pytest.raises(ChangedMeanwhileError):
            act(actor=harbor.broker, unit=harbor.lakeside, version=1, **extra)  # type: ignore[operator]


def test_r1_only_what_one_may_choose_can_be_named(harbor: Brokerage) -> None:
    begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    strange = make_pond(company_unit(stranger().company))
    for wrong in (
        RuleValues("", {}, "person", user_id=harbor.eve.pk),
        RuleValues("", {}, "pond", pond_id=strange.pk),
        RuleValues("", {}, "round_robin", roster_id=harbor.hilltop.pk),
    ):
        with pytest.raises(NotEligibleError):
            save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=None, values=wrong, version=1)
    with pytest.raises(PermissionDenied):
        begin_draft(actor=harbor.ana, unit=harbor.lakeside)


# --- words and the linter ---------------------------------------------------------------------------------------------


def test_r1_rules_are_said_in_plain_words(harbor: Brokerage) -> None:
    conditions = {"source": ["Zillow"], "price": [[500_000, None]], "state": ["AZ", "CA"]}
    said = book_said(book(harbor, RuleValues("", conditions, "round_robin", minutes=15)))
    assert said[0].which == "Leads from Zillow, priced above 500,000, in AZ or CA"
    assert said[0].way == "offered in turn on the roster, 15 minutes to claim"
    assert said[1].which == "All other leads"


@pytest.mark.parametrize(
    ("kinds", "which"),
    [
        (["buyer"], "Buyers in AZ"),
        (["buyer", "renter"], "Buyers or renters in AZ"),
        (["insurance", "other"], "Insurance leads or leads of another type in AZ"),
    ],
)
def test_r1_types_are_said_in_plain_words(harbor: Brokerage, kinds: list[str], which: str) -> None:
    conditions = {"kind": kinds, "state": ["AZ"]}
    assert book_said(book(harbor, RuleValues("", conditions, "number_one")))[0].which == which


def test_r4_how_it_was_routed_names_whom_a_rule_gave_it_to(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, name="Old ones")
    book(
        harbor,
        RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk),
        RuleValues("", {"state": ["TX"]}, "pond", pond_id=pond.pk),
    )
    said = []
    for state in ("AZ", "TX", "NY"):
        lead = make_lead(harbor.lakeside, state=state)
        route(harbor.lakeside, lead)
        said += [(step.what, step.chosen) for step in steps_of(lead)]
    assert said[:2] == [("given to", "Ben"), ("moved to the pond", "Old ones")]
    assert said[2][0] == "offered to the next in turn,"


def test_r2_with_round_robin_off_rules_say_who_has_what_would_be_offered_in_turn(harbor: Brokerage) -> None:
    RoutingPolicy.objects.filter(unit=harbor.lakeside).update(round_robin=False)
    off = "handed to the first on the roster, without a timer, as round robin is off"
    found = book(harbor, RuleValues("", {"state": ["AZ"]}, "round_robin", minutes=15), RuleValues("", {}, "number_one"))
    assert [one.way for one in book_said(found)][:2] == [off, "handed to the first on the roster, without a timer"]


def test_r12_the_linter_names_ponds_in_which_nobody_may_take_leads(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, name="Old ones")
    found = book(harbor, RuleValues("", {}, "pond", pond_id=pond.pk))
    assert book_said(found)[0].notes == [
        "Nobody is in the pond Old ones who may take its leads: they would wait there."
    ]
    looking = PondMember.objects.create(company=harbor.company, pond=pond, user=harbor.ana, may_claim=False)
    assert book_said(found)[0].notes
    PondMember.objects.filter(pk=looking.pk).update(may_claim=True)
    assert not book_said(found)[0].notes
    harbor.ana.is_active = False
    harbor.ana.save()
    assert book_said(found)[0].notes


def test_r12_the_linter_names_rules_that_never_match_and_rosters_without_anybody(harbor: Brokerage) -> None:
    found = book(
        harbor,
        RuleValues("", {"state": ["AZ", "CA"]}, "number_one"),
        RuleValues("", {"state": ["az"], "kind": ["buyer"]}, "number_one"),
        RuleValues("", {"state": ["TX"]}, "person", user_id=harbor.ben.pk),
    )
    assert [len(said.notes) for said in book_said(found)] == [0, 1, 0, 0]
    assert "rule 1 catches" in book_said(found)[1].notes[0]
    harbor.ben.is_active = False
    harbor.ben.save()
    harbor.ana.available = False
    harbor.ana.save()
    notes = [" ".join(said.notes) for said in book_said(RuleBook.objects.of(harbor.lakeside, "live"))]  # type: ignore[arg-type]
    assert "Nobody on the roster" in notes[0]
    assert "can no longer be assigned" in notes[2]
