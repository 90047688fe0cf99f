"""V2 rule by rule, in a brokerage one can picture. tests/properties holds all of it together over random worlds."""

from __future__ import annotations

import pytest

from crm.organization.models import Company, Unit, User
from leads.models import Assignment, Lead
from leads.services.creating import NewLead, create_lead
from permissions.access import Level, Privacy
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.profiles.services import give_profile
from routing.models import Offer
from tests.factories.leads import assign, make_lead, offer
from tests.factories.people import fresh, join, leave_company, leave_unit, make_member, make_user
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def access(user: User, lead: Lead) -> tuple[str, str]:
    """Level and reasons, such as ("work", "cg"); both doors must agree."""
    keyring = load_keyring(fresh(user))
    found = access_to(keyring, Lead.objects.get(pk=lead.pk))
    for level in list(Level)[1:]:
        assert Lead.objects.visible_to(keyring, level).filter(pk=lead.pk).exists() == (found.level >= level)
    return found.level.name.lower(), "".join(key.reason.value for key in found.reasons)


def set_policy(company: Company, policy: str) -> None:
    Company.objects.filter(pk=company.pk).update(personal_leads=policy)


def test_v2_a_you_own_it(harbor: Brokerage) -> None:
    assert access(harbor.ana, make_lead(harbor.ana, hidden=True)) == ("manage", "a")


def test_v2_b_you_manage_the_unit_that_owns_it(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    for manager, reasons in [(harbor.lead, "bg"), (harbor.north_admin, "b"), (harbor.broker, "b")]:
        assert access(manager, lead) == ("manage", reasons)
    assert access(harbor.lead, make_lead(harbor.north)) == ("none", "")


def test_v2_c_you_are_assigned_in_any_role(harbor: Brokerage) -> None:
    lead = make_lead(harbor.dee, hidden=True)
    assign(lead, harbor.ana, "lender")
    assert access(harbor.ana, lead) == ("work", "c")


def test_v3_access_ends_with_the_assignment(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    Assignment.objects.filter(lead=lead).update(user=harbor.ben)
    assert access(harbor.ana, lead) == ("none", "")
    assert access(harbor.ben, lead) == ("work", "c")


def test_v2_d_it_is_offered_to_you_now(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    made = offer(lead, harbor.ana)
    assert access(harbor.ana, lead) == ("work", "d")
    assert access(harbor.ben, lead) == ("none", "")
    Offer.objects.filter(pk=made.pk).update(state="expired", closed_at=made.deadline)
    assert access(harbor.ana, lead) == ("none", "")


def test_v2_g_direct_members_with_view_unit_lead(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    assert access(harbor.ana, lead) == ("none", "")
    give_profile(harbor.ana, "team_lead")
    assert access(harbor.ana, lead) == ("view", "g")
    assert access(harbor.ana, make_lead(harbor.north)) == ("none", "")
    leave_unit(harbor.ana, harbor.lakeside)
    assert access(harbor.ana, lead) == ("none", "")


@pytest.mark.parametrize(("policy", "level"), [("visible", "view"), ("managed", "manage")])
def test_v2_h_you_manage_the_person_who_owns_it(policy: str, level: str) -> None:
    harbor = brokerage(policy)
    lead = make_lead(harbor.ana)
    for manager in (harbor.lead, harbor.north_admin, harbor.broker):
        assert access(manager, lead) == (level, "h")
    assert access(harbor.ben, lead) == ("none", "")


@pytest.mark.parametrize("policy", ["visible", "managed"])
def test_v2_i_hidden_leads_are_redacted_for_managers(policy: str) -> None:
    harbor = brokerage(policy)
    lead = make_lead(harbor.ana, hidden=True)
    for manager in (harbor.lead, harbor.north_admin, harbor.broker):
        assert access(manager, lead) == ("redacted", "i")


@pytest.mark.parametrize("hidden", [False, True])
def test_v2_h_private_and_hide_from_team_counts_against_teams_and_offices(harbor: Brokerage, hidden: bool) -> None:
    lead = make_lead(harbor.ana, hidden=hidden)
    User.objects.filter(pk=harbor.ana.pk).update(hide_from_team=True)
    assert access(harbor.lead, lead) == ("none", "")
    assert access(harbor.north_admin, lead) == ("none", "")
    assert access(harbor.broker, lead) == (("redacted", "i") if hidden else ("view", "h"))


def test_v2_h_never_upward(harbor: Brokerage) -> None:
    """A broker who joins a team, even as a plain member, does not show it her own leads."""
    lead = make_lead(join(harbor.north_admin, harbor.lakeside, "member"))
    assert access(harbor.lead, lead) == ("none", "")
    assert access(harbor.broker, lead) == ("view", "h")


def test_v2_h_nobody_manages_who_is_a_member_of_nothing(harbor: Brokerage) -> None:
    assert access(harbor.broker, make_lead(harbor.north_admin)) == ("none", "")
    assert access(harbor.broker, make_lead(make_user(harbor.company))) == ("none", "")


def test_v2_h_the_managers_of_when_she_left_stay(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    leave_company(harbor.ana)
    assert access(harbor.lead, lead) == ("view", "h")
    assert access(harbor.ana, lead) == ("none", "")


def test_v2_h_changing_teams_changes_managers(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    leave_unit(harbor.ana, harbor.lakeside)
    join(harbor.ana, harbor.harborfront)
    assert access(harbor.lead, lead) == ("none", "")
    leave_company(harbor.ana)
    assert access(harbor.lead, lead) == ("none", "")


def test_v2_every_matching_rule_is_kept(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.lead)
    offer(lead, harbor.lead)
    assert access(harbor.lead, lead) == ("manage", "bcdg")


def test_o2_moving_a_unit_changes_who_manages_what_at_once(harbor: Brokerage) -> None:
    lead, personal = make_lead(harbor.lakeside), make_lead(harbor.ana)
    Unit.objects.filter(pk=harbor.lakeside.pk).update(parent=harbor.south)
    assert access(harbor.north_admin, lead) == access(harbor.north_admin, personal) == ("none", "")
    Unit.objects.filter(pk=harbor.lakeside.pk).update(parent=harbor.north)
    assert access(harbor.north_admin, lead) == ("manage", "b")


def test_o3_a_member_of_several_teams_has_several_managers(harbor: Brokerage) -> None:
    lead = make_lead(join(harbor.eve, harbor.lakeside))
    assert access(harbor.lead, lead) == ("view", "h")
    assert access(harbor.north_admin, lead) == ("view", "h")


def test_o5_loosening_never_exposes_what_was_private(harbor: Brokerage) -> None:
    before = added_by(harbor.ana)
    set_policy(harbor.company, "managed")
    since = added_by(fresh(harbor.ana))
    for manager in (harbor.lead, harbor.broker):
        assert access(manager, before) == ("view", "h")
        assert access(manager, since) == ("manage", "h")
    set_policy(harbor.company, "visible")
    assert access(harbor.lead, since) == access(harbor.broker, since) == ("view", "h")
    set_policy(harbor.company, "managed")
    assert access(harbor.lead, since) == access(harbor.broker, since) == ("manage", "h")
    assert access(harbor.lead, before) == access(harbor.broker, before) == ("view", "h")


def added_by(user: User) -> Lead:
    """A personal lead, added by hand under the policy of today."""
    return create_lead(actor=user, owner=user, new=NewLead(fields={"first_name": "Ida"}))


def test_o5_what_became_personal_under_private_stays_private(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, privacy=Privacy.PRIVATE)
    for policy in ("visible", "managed"):
        set_policy(harbor.company, policy)
        assert access(harbor.lead, lead) == access(harbor.broker, lead) == ("none", "")


def test_v1_nothing_crosses_companies(harbor: Brokerage) -> None:
    """Not even by rows that no service would write."""
    foreigner = stranger()
    leads = [make_lead(harbor.lakeside), make_lead(harbor.ana)]
    for lead in leads:
        assign(lead, foreigner)
    offer(leads[0], foreigner)
    join_across(foreigner, harbor.whole)
    for lead in leads:
        assert access(foreigner, lead) == ("none", "")
    assert Unit.objects.can_be_seen_by(foreigner).filter(company=harbor.company).count() == 0
    assert User.objects.can_be_seen_by(foreigner).filter(company=harbor.company).count() == 0
    assert User.objects.managed_by(foreigner).filter(company=harbor.company).count() == 0


def join_across(user: User, unit: Unit) -> None:
    unit.memberships.create(company_id=unit.company_id, user=user, role="owner")


def test_v1_deactivated_people_see_nothing(harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside, agent=harbor.lead), make_lead(harbor.lead)]
    User.objects.filter(pk=harbor.lead.pk).update(is_active=False)
    for lead in leads:
        assert access(harbor.lead, lead) == ("none", "")


def test_v1_running_the_installation_gives_no_access(harbor: Brokerage) -> None:
    operator = make_user(harbor.company, "Operator", profile="", is_staff=True)
    for lead in (make_lead(harbor.lakeside), make_lead(harbor.ana)):
        assert access(operator, lead) == ("none", "")


def test_o6_whom_one_may_choose(harbor: Brokerage) -> None:
    loner = make_user(harbor.company, "Loner")
    gone = leave_company(make_member(harbor.lakeside, "Gone"))
    everyone = set(User.objects.filter(company=harbor.company)) - {gone}
    team = {harbor.lead, harbor.ana, harbor.ben}
    assert set(User.objects.can_be_seen_by(harbor.ana)) == team
    assert set(User.objects.can_be_seen_by(harbor.lead)) == team | {harbor.north_admin, harbor.broker}
    assert set(User.objects.can_be_seen_by(harbor.broker)) == everyone
    assert set(User.objects.can_be_seen_by(loner)) == {loner}
    assert set(Unit.objects.can_be_seen_by(harbor.ana)) == {harbor.lakeside}
    assert set(Unit.objects.can_be_seen_by(harbor.lead)) == {harbor.lakeside, harbor.north, harbor.whole}
    assert set(Unit.objects.can_be_seen_by(harbor.broker)) == set(Unit.objects.filter(company=harbor.company))
