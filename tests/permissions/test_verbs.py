"""Level and permission together (P3), and what no permission can give an agent (P4)."""

from __future__ import annotations

import pytest

from crm.organization.models import User
from leads.models import Lead
from permissions.catalog import BUILT_IN, Permission
from permissions.door import locked
from permissions.keyring import load_keyring
from permissions.models import Profile
from permissions.profiles.services import give_profile
from permissions.verbs import Verb, why_not, why_not_many
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, join
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
EVERYTHING = [permission.value for permission in Permission]


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def with_permissions(user: User, *permissions: str) -> User:
    """The same person with a profile of her own that has these."""
    code = f"own-{user.pk}"
    Profile.objects.update_or_create(
        company=user.company, code=code, defaults={"name": code, "permissions": sorted(permissions)}
    )
    give_profile(user, code)
    return fresh(user)


def may(user: User, lead: Lead, verb: Verb) -> bool:
    """As the function and the queryset say, which agree."""
    lead.refresh_from_db()
    keyring = load_keyring(fresh(user))
    found = not why_not(keyring, locked(lead), verb)
    assert found == Lead.objects.doable_by(keyring, verb).filter(pk=lead.pk).exists()
    return found


def allowed(user: User, lead: Lead) -> set[str]:
    return {verb.value for verb in Verb if may(user, lead, verb)}


def test_p3_the_defaults_of_the_four_profiles(harbor: Brokerage) -> None:
    unit_lead, hers = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.ana)
    assert allowed(harbor.ana, unit_lead) == set()
    assert allowed(harbor.ana, hers) == {"transfer", "merge", "export", "delete", "share", "assign"}
    for manager in (harbor.lead, harbor.north_admin):
        assert allowed(manager, unit_lead) == {"transfer", "merge", "share", "assign"}
        assert allowed(manager, hers) == set()
    assert allowed(harbor.broker, unit_lead) == {"transfer", "merge", "share", "assign", "export", "delete"}
    assert allowed(stranger(), unit_lead) == allowed(stranger(), hers) == allowed(harbor.eve, unit_lead) == set()


def test_p3_managers_act_on_personal_leads_only_under_managed() -> None:
    harbor = brokerage("managed")
    hers = make_lead(harbor.ana)
    assert {"transfer", "delete", "export"} <= allowed(harbor.lead, hers)
    assert "hide" not in allowed(with_permissions(harbor.lead, *EVERYTHING), hers)


@pytest.mark.parametrize("missing", [Permission.CHANGE_OWNER, Permission.MERGE_LEAD, Permission.SHARE_LEAD])
def test_p3_reach_alone_never_suffices(harbor: Brokerage, missing: Permission) -> None:
    lead = make_lead(harbor.lakeside)
    verb = {"change_owner": Verb.TRANSFER, "merge_lead": Verb.MERGE, "share_lead": Verb.SHARE}[missing]
    assert may(harbor.lead, lead, verb)
    assert not may(with_permissions(harbor.lead, *(BUILT_IN["team_lead"][1] - {missing})), lead, verb)


def test_p4_no_permission_lets_an_agent_change_the_owner_of_a_units_lead(harbor: Brokerage) -> None:
    ana = with_permissions(harbor.ana, *EVERYTHING)
    lead = make_lead(harbor.lakeside, agent=ana)
    assign(lead, ana, "assistant")
    assert "change_owner" in load_keyring(ana).held
    assert not {"transfer", "merge", "share", "assign", "hide"} & allowed(ana, lead)
    assert allowed(ana, make_lead(harbor.hilltop)) == set()


def test_p3_a_role_gives_the_reach_whatever_the_profile_is_called(harbor: Brokerage) -> None:
    """An admin of the team whose profile is Agent manages its leads: she is no agent there."""
    senior = join(harbor.ana, harbor.hilltop, "admin")
    assert may(senior, make_lead(harbor.hilltop), Verb.TRANSFER)
    assert not may(senior, make_lead(harbor.lakeside, agent=senior), Verb.TRANSFER)


def test_p3_a_profile_may_let_agents_export_and_delete_the_unit_leads_they_work(harbor: Brokerage) -> None:
    ana = with_permissions(harbor.ana, "export_unit_lead", "delete_unit_lead", "view_unit_lead")
    worked, seen = make_lead(harbor.lakeside, agent=ana), make_lead(harbor.lakeside)
    lent = assign(make_lead(harbor.south), ana, "lender").lead
    assert allowed(ana, worked) == allowed(ana, lent) == {"export", "delete"}
    assert allowed(ana, seen) == set()  # to see it is not to work it
    assisted = assign(make_lead(harbor.ben), ana, "assistant").lead
    assert allowed(ana, assisted) == set()  # somebody's personal lead is not a unit's
    assert allowed(ana, make_lead(ana)) == {"assign"}


def test_p3_says_what_is_missing(harbor: Brokerage) -> None:
    unit_lead, hers = locked(make_lead(harbor.lakeside, agent=harbor.ana)), locked(make_lead(harbor.ana))
    ana, lead = load_keyring(harbor.ana), load_keyring(harbor.lead)
    assert why_not(ana, unit_lead, Verb.TRANSFER) == (
        "It belongs to a unit: only the managers of that unit may transfer it."
    )
    assert why_not(ana, unit_lead, Verb.EXPORT) == "The profile does not include exporting leads of units."
    assert why_not(ana, unit_lead, Verb.HIDE) == "It belongs to a unit: this is for personal leads only."
    assert why_not(ana, hers, Verb.HIDE) == "The profile does not include hiding leads."
    assert why_not(lead, hers, Verb.TRANSFER) == "It is a personal lead: it is its owner’s to transfer."


def test_p3_without_mass_edit_everybody_acts_lead_by_lead(harbor: Brokerage) -> None:
    for user, many in ((harbor.ana, False), (harbor.lead, True), (with_permissions(harbor.broker), False)):
        keyring = load_keyring(user)
        assert not why_not_many(keyring, 1)
        assert bool(why_not_many(keyring, 2)) != many
