"""O5: changing the company's policy, and what it says beforehand about people and sign-in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied, ValidationError

from crm.organization.models import Company, Unit, User
from permissions.models import LedgerEntry, Profile
from permissions.policy.effects import effects_of
from permissions.policy.services import Policy, change_policy, read_policy
from permissions.profiles.services import ChangedMeanwhileError
from tests.factories.people import fresh, give_profile, make_manager
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def change(actor: User, **changes: Any) -> list[str]:
    now = read_policy(actor.company_id)
    return change_policy(actor=actor, wanted=replace(now, **changes), seen=now.digest())


def told(actor: User, **changes: Any) -> str:
    """What the page says beforehand."""
    now = read_policy(actor.company_id)
    found = effects_of(asker=actor, now=now, wanted=replace(now, **changes))
    return "\n".join(f"{one.title}: {one.before} → {one.after}\n" + "\n".join(one.lines) for one in found)


def facts(company: Company) -> list[tuple[Any, ...]]:
    found = LedgerEntry.objects.filter(company=company, kind="policy_changed", why="policy").order_by("pk")
    return list(found.values_list("actor", "to_unit_id", "detail"))


# --- changing ---------------------------------------------------------------------------------------------------------


def test_o5_a_change_holds_from_the_next_request_and_stands_in_the_ledger(harbor: Brokerage) -> None:
    assert change(harbor.broker, personal_leads="private", two_factor_required=True) == [
        "personal_leads",
        "two_factor_required",
    ]
    company = fresh(harbor.broker).company
    assert (company.personal_leads, company.two_factor_required) == ("private", True)
    assert facts(company) == [
        (harbor.broker.pk, None, {"setting": "personal_leads", "before": "visible", "after": "private"}),
        (harbor.broker.pk, None, {"setting": "two_factor_required", "before": False, "after": True}),
    ]


def test_o5_the_whitelist_is_kept_on_its_units(harbor: Brokerage) -> None:
    Unit.objects.filter(pk=harbor.hilltop.pk).update(may_change_ownership=True)
    change(harbor.broker, whitelist=frozenset({harbor.lakeside.pk}))
    listed = Unit.objects.filter(company=harbor.company, may_change_ownership=True)
    assert [unit.name for unit in listed] == ["Lakeside"]
    assert facts(harbor.company) == [
        (harbor.broker.pk, unit.pk, {"setting": "may_change_ownership", "before": before, "after": not before})
        for unit, before in sorted([(harbor.lakeside, False), (harbor.hilltop, True)], key=lambda one: one[0].pk)
    ]


def test_o5_nothing_changed_is_nothing_written(harbor: Brokerage) -> None:
    assert change(harbor.broker) == []
    assert facts(harbor.company) == []


def test_o5_units_of_another_company_do_not_come_on_the_list(harbor: Brokerage) -> None:
    other = brokerage()
    change(harbor.broker, whitelist=frozenset({other.lakeside.pk, harbor.whole.pk}))
    assert not Unit.objects.filter(may_change_ownership=True).exists()


def test_o5_the_unit_of_the_company_is_renamed_with_it(harbor: Brokerage) -> None:
    change(harbor.broker, name="Bayside")
    assert {fresh(harbor.broker).company.name, Unit.objects.get(pk=harbor.whole.pk).name} == {"Bayside"}
    with pytest.raises(ValidationError, match="There is a unit named Lakeside already"):
        change(harbor.broker, name="Lakeside")


@pytest.mark.parametrize("wrong", [{"time_zone": "Mars/Olympus"}, {"personal_leads": "open"}, {"name": ""}])
def test_o5_what_is_no_policy_is_refused(harbor: Brokerage, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        change(harbor.broker, **wrong)


@pytest.mark.parametrize("who", ["north_admin", "lead", "ana"])
def test_o5_both_the_permission_and_the_company_are_needed(harbor: Brokerage, who: str) -> None:
    Profile.objects.filter(company=harbor.company, code="office_admin").update(permissions=["manage_policy"])
    with pytest.raises(PermissionDenied):
        change(fresh(getattr(harbor, who)), personal_leads="private")
    with pytest.raises(PermissionDenied):
        change(make_manager(harbor.whole, profile="agent"), personal_leads="private")
    assert fresh(harbor.ana).company.personal_leads == "visible"


def test_o5_what_somebody_changed_meanwhile_is_not_overwritten(harbor: Brokerage) -> None:
    seen = read_policy(harbor.company.pk)
    change(harbor.broker, owner_notifications="off")
    with pytest.raises(ChangedMeanwhileError):
        change_policy(actor=harbor.broker, wanted=replace(seen, personal_leads="private"), seen=seen.digest())
    assert read_policy(harbor.company.pk) == replace(seen, owner_notifications="off")
    assert len(facts(harbor.company)) == 1


# --- what is said beforehand ------------------------------------------------------------------------------------------


def test_o5_owner_notifications_say_how_many_are_told(harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(owner_notifications=False)
    User.objects.filter(pk=harbor.ben.pk).update(is_active=False)
    assert "5 people would be told today. From now on nobody" in told(harbor.broker, owner_notifications="off")
    change(harbor.broker, owner_notifications="off")
    said = told(harbor.broker, owner_notifications="user_choice")
    assert "5 people will be told from now on." in said
    assert "1 person switched it off" in said


def test_o5_two_factor_says_who_has_to_set_it_up(harbor: Brokerage) -> None:
    for user, kind in [(harbor.ana, "totp"), (harbor.ben, "recovery_codes")]:
        Authenticator.objects.create(user=user, type=kind, data={})
    said = told(harbor.broker, two_factor_required=True)
    assert "6 of 7 people have not set it up." in said
    assert "You are one of them." in said
    Authenticator.objects.create(user=harbor.broker, type="totp", data={})
    assert "You are one of them." not in told(harbor.broker, two_factor_required=True)
    change(harbor.broker, two_factor_required=True)
    assert "required → not required" in told(harbor.broker, two_factor_required=False)


def test_o5_the_whitelist_says_who_may(harbor: Brokerage) -> None:
    give_profile(make_manager(harbor.lakeside, "Powerless"), "agent")
    Unit.objects.filter(pk=harbor.harborfront.pk).update(may_change_ownership=True)
    said = told(harbor.broker, whitelist=frozenset({harbor.lakeside.pk}))
    assert "Lakeside: Lead, North Admin may change the owner of many leads at once." in said
    assert "Harborfront: none of its managers" in said
    assert "Powerless" not in said
    change(harbor.broker, whitelist=frozenset({harbor.lakeside.pk}))
    assert "Lead, North Admin may no longer change" in told(harbor.broker, whitelist=frozenset())


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("visible", "private", "It holds at once"),
        ("private", "visible", "keeps that policy’s protection"),
        ("visible", "company_only", "every new lead belongs to the company"),
        ("company_only", "managed", "New leads may belong to offices, teams and people again."),
    ],
)
def test_o5_the_ladder_says_what_holds_for_new_leads(harbor: Brokerage, before: str, after: str, words: str) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads=before)
    assert words in told(fresh(harbor.broker), personal_leads=after)


@pytest.mark.parametrize(
    ("setting", "value"), [("name", "Bay"), ("time_zone", "UTC"), ("phone_region", "DE"), ("reregistration", "dispute")]
)
def test_o5_every_setting_says_something(harbor: Brokerage, setting: str, value: str) -> None:
    assert "from now on" in told(harbor.broker, **{setting: value})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["email"], "No lead changes by it."),
        ([], "Every row of a file becomes a lead."),
        (["email", "phone"], "Families and offices share a phone."),
    ],
)
def test_i6_what_counts_as_a_duplicate_is_said_before_it_is_saved(
    harbor: Brokerage, keys: list[str], words: str
) -> None:
    assert words in told(fresh(harbor.broker), duplicate_keys=keys)


def test_o5_a_policy_is_known_again_by_all_it_holds(harbor: Brokerage) -> None:
    policy = read_policy(harbor.company.pk)
    others = [replace(policy, **{name: None}) for name in Policy.__dataclass_fields__ if name != "whitelist"]
    others.append(replace(policy, whitelist=frozenset({1})))
    assert len({one.digest() for one in [policy, *others]}) == len(others) + 1
