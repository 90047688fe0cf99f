"""P1, P2: what the built-in profiles allow, as product.md's table says; and who asks."""

from __future__ import annotations

import pytest

from crm.organization.models import User
from permissions.catalog import Permission
from permissions.models import Profile
from permissions.profiles.services import give_profile
from tests.factories.people import fresh, make_company, make_user

pytestmark = pytest.mark.django_db
PROFILES = ["agent", "team_lead", "office_admin", "company_admin"]
# y: yes, or yes within one's reach (own, own team, own office)
TABLE = """
add_lead                y y y y
import_lead             y y y y
hide_lead               - - - -
view_unit_lead          - y y y
export_personal_lead    y y y y
delete_personal_lead    y y y y
merge_lead              y y y y
export_unit_lead        - - - y
delete_unit_lead        - - - y
view_originated_lead    - y y y
change_owner            y y y y
mass_edit_lead          - y y y
share_lead              y y y y
manage_routing          - y y y
manage_roster           - y y y
manage_pond             - y y y
manage_campaign         - - y y
view_hopper             - - y y
view_reports            y y y y
manage_users            - - - y
manage_profiles         - - - y
manage_policy           - - - y
view_ledger             - - - y
"""
DEFAULTS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}


def held_by(user: User) -> set[str]:
    return {permission.value for permission in Permission if fresh(user).has_perm(permission)}


def test_p2_the_table_is_complete() -> None:
    assert set(DEFAULTS) == {permission.value for permission in Permission}


@pytest.mark.parametrize(("place", "profile"), list(enumerate(PROFILES)))
def test_p2_the_defaults_of_a_profile(place: int, profile: str) -> None:
    user = make_user(make_company(), profile=profile)
    assert held_by(user) == {name for name, answers in DEFAULTS.items() if answers[place] == "y"}


def test_p1_a_person_has_one_profile_at_a_time() -> None:
    user = make_user(make_company(), profile="company_admin")
    give_profile(user, "agent")
    assert not fresh(user).has_perm(Permission.MANAGE_USERS)


def test_p1_a_profile_is_of_ones_own_company() -> None:
    user = make_user(make_company())
    Profile.objects.create(company=make_company(), code="powerful", name="Powerful", permissions=["manage_users"])
    with pytest.raises(Profile.DoesNotExist):
        give_profile(user, "powerful")


@pytest.mark.parametrize("fields", [{"profile": ""}, {"profile": "", "is_staff": True}, {"is_active": False}])
def test_p1_without_an_active_profile_nothing_is_allowed(fields: dict[str, object]) -> None:
    user = make_user(make_company(), **fields)  # type: ignore[arg-type]
    assert held_by(user) == set()
    assert not user.has_perm("no_such_permission")
