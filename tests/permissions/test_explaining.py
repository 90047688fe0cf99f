"""The explanation says what the engine says, and what it promises comes true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.organization.models import User
from leads.models import Lead, LeadShare
from leads.services.explaining import facts_of
from permissions.access import CompanyReach, Key, Level, LockedLead, Privacy, Reason, Standing
from permissions.door import access_to, locked
from permissions.explaining import RULES, Explanation, Failed, explain, remedied
from permissions.grants import give
from permissions.keyring import load_keyring
from permissions.models import Profile
from permissions.profiles.services import give_profile
from permissions.supposing import Facts, Names, locks_of
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, join, leave_company
from tests.factories.scenes import Brokerage, brokerage

SHE, OWNER, UNIT, ORIGIN, LEAD, COMPANY = 1, 2, 3, 4, 5, 6
SWITCH = st.booleans()
SOME_UNITS = st.sets(st.sampled_from([UNIT, ORIGIN, 9])).map(frozenset)
POND = 5
SOME_PONDS = st.sets(st.sampled_from([POND, 6])).map(frozenset)
KEYS = st.sampled_from(
    [
        Key(Level.WORK, Reason.OFFERED),
        Key(Level.VIEW, Reason.SHARED),
        Key(Level.WORK, Reason.SHARED),
    ]
)


@st.composite
def leads(draw: st.DrawFn, assigned: frozenset[int], pond: int | None) -> LockedLead:
    """Of a unit, of another person or of herself."""
    owner = draw(st.sampled_from([None, OWNER, OWNER, SHE]))
    lead = LockedLead(
        id=LEAD,
        company_id=COMPANY,
        owner_unit_id=UNIT if owner is None else None,
        owner_user_id=owner,
        origin_unit_id=draw(st.sampled_from([None, UNIT, ORIGIN])),
        hidden=owner is not None and draw(SWITCH),
        privacy=None if owner is None else draw(st.sampled_from(list(Privacy))),
        locks=(),
    )
    return replace(lead, locks=locks_of(lead, assigned, pond))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Facts that may stand together: a company manager manages everything, nobody manages herself."""
    assigned = frozenset(draw(st.sets(st.sampled_from([SHE, OWNER]))))
    pond = draw(st.sampled_from([None, POND]))
    lead = draw(leads(assigned, pond))
    policy, whole, originated = draw(st.sampled_from(list(Privacy))), draw(SWITCH), draw(SWITCH)
    manages = lead.owner_user_id == OWNER and draw(SWITCH)
    hides = draw(SWITCH)
    unmanaged = frozenset({SHE, *(() if manages else (OWNER,))})
    offered = draw(st.lists(st.tuples(st.sampled_from([LEAD, 99]), KEYS), max_size=2))
    standing = Standing(
        user_id=SHE,
        company_id=COMPANY,
        policy=policy,
        joined_units=draw(SOME_UNITS),
        managed_units=draw(SOME_UNITS),
        managed_people=frozenset({OWNER}) if manages and not hides and not whole else frozenset(),
        view_unit_lead=draw(SWITCH),
        view_originated_lead=originated,
        company=CompanyReach(policy, unmanaged, originated) if whole else None,
        leads=tuple(offered),
        ponds=draw(SOME_PONDS),
        ponds_looked_at=draw(SOME_PONDS),
    )
    above = not manages and draw(SWITCH)
    return Facts(Names("Ben", "Ana", "North", "Cold"), standing, lead, assigned, pond, True, manages, hides, above)


@settings(max_examples=600, deadline=None)
@given(facts())
def test_v6_level_reasons_and_failures_are_those_of_the_engine(known: Facts) -> None:
    found, access = explain(known), known.access()
    assert found.access == access
    assert [level for level, _ in found.because] == [key.level for key in access.reasons]
    given_reasons = {key.reason for key in access.reasons}
    for rule in RULES:
        failing = [one for one in rule.conditions if not one.holds(known)]
        if not rule.further:
            assert bool(failing) == (rule.reason not in given_reasons), rule
    missing = {rule.reason for rule in RULES} - given_reasons
    assert {one.reason for one in found.failed if one.reason not in given_reasons} == missing
    assert all(one.fails for one in found.failed)


@settings(max_examples=600, deadline=None)
@given(facts())
def test_v6_a_remedy_makes_its_rule_apply_and_raises_the_level(known: Facts) -> None:
    before = known.access().level
    for rule in RULES:
        failing = [one for one in rule.conditions if not one.holds(known)]
        if failing and not rule.further and all(one.repair for one in failing):
            after = remedied(known, failing).access()
            assert rule.reason in {key.reason for key in after.reasons}, rule
    for one in explain(known).failed:
        assert bool(one.remedies) == (one.level > Level.NONE)
        assert not one.remedies or one.level > before


@pytest.mark.django_db
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("privacy", list(Privacy))
def test_v6_the_locks_supposed_are_those_of_the_database(hidden: bool, privacy: Privacy) -> None:
    harbor = brokerage()
    origin = {"origin": "company", "origin_unit": harbor.north}
    for lead in (
        make_lead(harbor.lakeside, agent=harbor.ben),
        make_lead(harbor.ana, privacy=privacy, hidden=hidden, agent=harbor.ben),
        make_lead(harbor.ana, privacy=privacy, hidden=hidden, **origin),
    ):
        assigned = {harbor.ben.pk} if lead.agent_id else set()
        assert sorted(locks_of(locked(lead), assigned)) == sorted(lead.locks)


# --- promises, kept ---------------------------------------------------------------------------------------------------


def explained(person: User, lead: Lead) -> Explanation:
    lead = Lead.objects.for_rows().get(pk=lead.pk)
    found = explain(facts_of(fresh(person), lead))
    assert found.access == access_to(load_keyring(fresh(person)), lead)
    return found


def failure(person: User, lead: Lead, reason: Reason) -> Failed:
    return next(one for one in explained(person, lead).failed if one.reason == reason)


def let(user: User, *verbs: str) -> None:
    profile = Profile.objects.create(company=user.company, code="let", name="Let", permissions=list(verbs))
    give_profile(user, profile.code)


def share(lead: Lead, user: User) -> None:
    give(LeadShare, obj=lead, user=user, verb="work_lead", given_by=user, until=None)


def join_and_let(harbor: Brokerage, lead: Lead) -> None:
    join(harbor.dee, harbor.lakeside)
    let(harbor.dee, "view_unit_lead")


Act = Callable[[Brokerage, Lead], Any]
SIMPLE: list[tuple[Reason, Level, Act]] = [
    (Reason.MANAGES_OWNER_UNIT, Level.MANAGE, lambda harbor, lead: join(harbor.dee, harbor.lakeside, "admin")),
    (Reason.ASSIGNED, Level.WORK, lambda harbor, lead: assign(lead, harbor.dee)),
    (Reason.SHARED, Level.WORK, lambda harbor, lead: share(lead, harbor.dee)),
    (Reason.MEMBER_OF_OWNER_UNIT, Level.VIEW, join_and_let),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("reason", "promised", "act"), SIMPLE, ids=[reason.value for reason, _, _ in SIMPLE])
def test_v6_what_would_open_a_lead_of_a_unit(reason: Reason, promised: Level, act: Act) -> None:
    harbor = brokerage()
    lead = make_lead(harbor.lakeside)
    assert failure(harbor.dee, lead, reason).level == promised
    act(harbor, lead)
    assert explained(harbor.dee, lead).access.level == promised


@pytest.mark.django_db
def test_v6_each_missing_condition_is_named_by_itself() -> None:
    harbor = brokerage()
    lead = make_lead(harbor.lakeside)
    assert failure(harbor.ben, lead, Reason.MEMBER_OF_OWNER_UNIT).remedies == (
        "Let the profile of Ben view unit leads",
    )
    assert len(failure(harbor.dee, lead, Reason.MEMBER_OF_OWNER_UNIT).remedies) == 2


@pytest.mark.django_db
def test_v6_showing_a_hidden_lead() -> None:
    harbor = brokerage("managed")
    lead = make_lead(harbor.ana, hidden=True)
    found = failure(harbor.lead, lead, Reason.MANAGES_OWNER)
    assert (found.remedies, found.level) == (("Ana shows it to her managers",), Level.MANAGE)
    Lead.objects.filter(pk=lead.pk).update(hidden=False)
    assert explained(harbor.lead, lead).access.level == Level.MANAGE


@pytest.mark.django_db
def test_v6_private_and_hide_from_team() -> None:
    harbor = brokerage()
    lead = make_lead(harbor.ana)
    User.objects.filter(pk=harbor.ana.pk).update(hide_from_team=True)
    found = failure(harbor.lead, lead, Reason.MANAGES_OWNER)
    assert (found.remedies, found.level) == (("Ana turns off “private and hide from team”",), Level.VIEW)
    assert explained(harbor.broker, lead).access.level == Level.VIEW
    User.objects.filter(pk=harbor.ana.pk).update(hide_from_team=False)
    assert explained(harbor.lead, lead).access.level == Level.VIEW


@pytest.mark.django_db
def test_v6_a_policy_helps_only_what_did_not_become_personal_under_a_stricter_one() -> None:
    harbor = brokerage("private")
    old, newer = make_lead(harbor.ana), make_lead(harbor.ana, privacy=Privacy.VISIBLE)
    assert failure(harbor.broker, newer, Reason.MANAGES_OWNER).remedies == (
        "Set the policy on personal leads to visible",
    )
    found = failure(harbor.broker, old, Reason.MANAGES_OWNER)
    assert found.remedies == ()
    assert "a looser policy will not show it" in found.fails[0]
    harbor.company.personal_leads = "visible"
    harbor.company.save()
    assert explained(harbor.broker, newer).access.level == Level.VIEW
    assert explained(harbor.broker, old).access.level == Level.NONE
    assert "the policy managed will not change it" in failure(harbor.broker, newer, Reason.MANAGES_OWNER).fails[0]


@pytest.mark.django_db
def test_v6_becoming_managed_and_never_upward() -> None:
    harbor = brokerage()
    lead = make_lead(harbor.eve)
    assert failure(harbor.lead, lead, Reason.MANAGES_OWNER).level == Level.VIEW
    join(harbor.eve, harbor.lakeside)
    assert explained(harbor.lead, lead).access.level == Level.VIEW
    upward = failure(harbor.lead, make_lead(harbor.north_admin), Reason.MANAGES_OWNER)
    assert upward.fails == ("North Admin manages above Lead, and nobody manages upward.",)
    assert upward.remedies == ()


@pytest.mark.django_db
def test_v6_a_deactivated_person_sees_nothing_and_would_again() -> None:
    harbor = brokerage()
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    gone = leave_company(harbor.ana)
    found = explained(gone, lead)
    assert (found.access.level, found.asleep, found.failed) == (Level.NONE, Level.WORK, ())
