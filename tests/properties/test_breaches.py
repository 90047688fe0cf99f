"""Plant a fault in the access rules, one by one, and the comparison of test_access must find it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import QuerySet, Value

from crm.organization import querysets
from crm.organization.managing import PEOPLE_MANAGED
from crm.organization.querysets import UnitQuerySet, UserQuerySet, within
from leads.models import PondMember
from leads.services import sharing
from permissions import access, door, keyring
from permissions.access import (
    KINDS,
    Access,
    CompanyReach,
    Key,
    Keyring,
    Level,
    Lock,
    LockedLead,
    Privacy,
    Reason,
    Standing,
    make_keyring,
)
from permissions.catalog import Permission
from permissions.grants import GrantQuerySet
from permissions.keyring import _gives
from routing.models import Offer, OfferRecipient
from routing.querysets import offered_to
from tests.properties.telling import TELLING
from tests.properties.test_access import compare, in_database
from tests.properties.test_viewing import TELLING_PAIRS, compare_views
from tests.properties.world import World
from tests.properties.worlds import Built

pytestmark = pytest.mark.django_db
Plant = Callable[[pytest.MonkeyPatch], None]
MANAGED_STILL = "(member.ended_at IS NULL OR member.ended_at >= person.left_at)\n    AND"

Rows = list[QuerySet[Any, Any]]  # of a source of keys


def is_wrong(world: World, compare: Callable[[World, Built], None] = compare) -> bool:
    with in_database(world) as built:
        try:
            compare(world, built)
        except AssertionError:
            return True
    return False


def assert_found() -> None:
    assert any(is_wrong(world) for world in TELLING)


def test_v1_without_a_breach_nothing_is_found() -> None:
    assert not any(is_wrong(world) for world in TELLING)


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: f"rule_{reason.value}")
def test_v2_a_rule_that_gives_nothing_is_found(monkeypatch: pytest.MonkeyPatch, reason: Reason) -> None:
    def without(standing: Standing) -> Keyring:
        whole = make_keyring(standing)
        keys = {lock: tuple(key for key in cut if key.reason != reason) for lock, cut in whole.keys.items()}
        offered = {lead: tuple(key for key in cut if key.reason != reason) for lead, cut in whole.leads.items()}
        return replace(whole, keys=keys, leads=offered, company=whole.company and Without(**vars(whole.company)))

    class Without(CompanyReach):
        def keys(self, lead: LockedLead) -> list[Key]:
            return [key for key in super().keys(lead) if key.reason != reason]

    monkeypatch.setattr(keyring, "make_keyring", without)
    assert_found()


def standing_as(**changes: Any) -> Plant:
    """Cut keys for a standing with other facts."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keyring, "make_keyring", lambda standing: make_keyring(replace(standing, **changes)))

    return plant


def managing_without(condition: str) -> Plant:
    """Ask who manages whom without a condition."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("UNITS_MANAGED", "PEOPLE_MANAGED"):
            monkeypatch.setattr(querysets, name, getattr(querysets, name).replace(condition, ""))
        assert len(querysets.PEOPLE_MANAGED) < len(PEOPLE_MANAGED)

    return plant


def any_role_is_managed(monkeypatch: pytest.MonkeyPatch) -> None:
    def managed_by(self: Any, user: Any) -> Any:
        from crm.organization.models import Membership, Unit

        found = Membership.objects.lasting().filter(unit__in=Unit.objects.managed_by(user))
        return self.filter(pk__in=found.values("user"))

    monkeypatch.setattr(UserQuerySet, "managed_by", managed_by)


def reach_goes_upward(monkeypatch: pytest.MonkeyPatch) -> None:
    def managed_by(self: Any, user: Any) -> Any:
        from crm.organization.models import Membership, Unit

        found = Membership.objects.lasting().filter(role="member", unit__in=Unit.objects.managed_by(user))
        return self.filter(pk__in=found.values("user"))

    monkeypatch.setattr(UserQuerySet, "managed_by", managed_by)


def switch_of_the_agent_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = UserQuerySet.managed_by

    def managed_by(self: Any, user: Any) -> Any:
        found = honest(self, user)
        vars(found)["filter"] = lambda **kwargs: found.all()
        return found

    monkeypatch.setattr(UserQuerySet, "managed_by", managed_by)


def deactivated_people_see(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(user: Any) -> Keyring:
        user.is_active = True
        return honest(user)

    honest = keyring.load_keyring
    monkeypatch.setattr("tests.properties.test_access.load_keyring", load)


def profiles_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("permissions.backend.permissions_of", lambda user: frozenset(Permission))


def past_offers_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def ever(company: int, people: Collection[int]) -> Rows:
        return [Offer.objects.filter(user__in=people).order_by().values_list("user", "lead", Value("offered"))]

    monkeypatch.setattr("routing.receivers.offered_to", ever)


def what_several_have_on_offer_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_gives, "among", _gives["offered"])


def who_passed_or_was_slower_still_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def ever(company: int, people: Collection[int]) -> Rows:
        among = OfferRecipient.objects.filter(company=company, user__in=people).order_by()
        return [*offered_to(company, people), among.values_list("user", "offer__lead", Value("among"))]

    monkeypatch.setattr("routing.receivers.offered_to", ever)


def loosening_exposes_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(self: CompanyReach, lead: LockedLead) -> Any:
        return honest(self, replace(lead, privacy=lead.privacy and Privacy.MANAGED))

    honest = CompanyReach.keys
    monkeypatch.setattr(CompanyReach, "keys", keys)


def loosening_exposes_to_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    def loose(standing: Standing) -> Keyring:
        whole = make_keyring(standing)
        more = (Key(Level.MANAGE, Reason.MANAGES_OWNER),) if standing.policy == Privacy.MANAGED else ()
        extra = {
            Lock.SHOWN.of(person): (*more, *whole.keys.get(Lock.SHOWN.of(person), ()))
            for person in standing.managed_people
        }
        return replace(whole, keys={**whole.keys, **extra})

    monkeypatch.setattr(keyring, "make_keyring", loose)


def companies_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Keyring.access

    def access(self: Keyring, lead: LockedLead) -> Access:
        return honest(self, replace(lead, company_id=self.company_id))

    monkeypatch.setattr(Keyring, "access", access)


def lists_forget_the_company(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen_by(held: Keyring, at_least: Level = Level.REDACTED, prefix: str = "") -> Any:
        from django.db.models import Q

        return Q(locks__overlap=held.locks_at(at_least)) | Q(pk__in=held.leads_at(at_least))

    monkeypatch.setattr(door, "seen_by", seen_by)


def lists_show_hidden_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = door.seen_by
    monkeypatch.setattr(door, "seen_by", lambda held, at_least: honest(held, min(at_least, Level.REDACTED)))


def removed_leads_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Keyring.access
    monkeypatch.setattr(Keyring, "access", lambda self, lead: honest(self, replace(lead, removed=False)))


def onlookers_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    def claiming(standing: Standing) -> Keyring:
        return make_keyring(replace(standing, ponds=standing.ponds | standing.ponds_looked_at))

    monkeypatch.setattr(keyring, "make_keyring", claiming)


def ended_shares_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GrantQuerySet, "live", lambda self: self)


def a_share_to_view_gives_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_gives, "view_lead", _gives["work_lead"])


def closed_ponds_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def members(**conditions: Any) -> Any:
        return PondMember.objects.filter(**{name: one for name, one in conditions.items() if name != "pond__closed_at"})

    monkeypatch.setattr(sharing, "PondMember", SimpleNamespace(objects=SimpleNamespace(filter=members)))


def members_of_units_above_see(monkeypatch: pytest.MonkeyPatch) -> None:
    def joined_by(self: Any, user: Any) -> Any:
        return self.of(user).filter(within(honest(self, user).values("pk")))

    honest = UnitQuerySet.joined_by
    monkeypatch.setattr(UnitQuerySet, "joined_by", joined_by)


def shows(kind: Lock) -> Plant:
    """Read in full what this lock leaves redacted."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        def open_wide(standing: Standing) -> Keyring:
            whole = make_keyring(standing)
            keys = {
                lock: tuple(replace(key, level=Level.VIEW) for key in cut) if lock % KINDS == kind else cut
                for lock, cut in whole.keys.items()
            }
            return replace(whole, keys=keys)

        monkeypatch.setattr(keyring, "make_keyring", open_wide)

    return plant


def hidden_leads_are_shown_to_the_company(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = access.manager_key
    monkeypatch.setattr(access, "manager_key", lambda granted, *, hidden: honest(granted, hidden=False))


def the_company_minds_the_switch_of_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unmanaged(user: Any) -> frozenset[int]:
        return honest(user) | set(type(user).objects.filter(hide_from_team=True).values_list("pk", flat=True))

    honest = keyring._unmanaged
    monkeypatch.setattr(keyring, "_unmanaged", unmanaged)


def brokers_nobody_manages_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_unmanaged", lambda user: frozenset())


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(standing_as(joined_units=frozenset()), id="membership_gives_nothing"),
        pytest.param(standing_as(policy=Privacy.MANAGED), id="every_policy_is_managed"),
        pytest.param(standing_as(policy=Privacy.VISIBLE), id="every_policy_is_visible"),
        pytest.param(managing_without("AND role.ended_at IS NULL"), id="ended_memberships_count"),
        pytest.param(managing_without("OR member.ended_at >= person.left_at"), id="managers_of_left_people_forgotten"),
        pytest.param(managing_without(MANAGED_STILL), id="managers_of_past_teams_kept"),
        any_role_is_managed,
        reach_goes_upward,
        switch_of_the_agent_ignored,
        deactivated_people_see,
        profiles_ignored,
        past_offers_count,
        what_several_have_on_offer_is_shown,
        who_passed_or_was_slower_still_has_it,
        loosening_exposes_the_past,
        loosening_exposes_to_teams,
        companies_are_one,
        lists_forget_the_company,
        lists_show_hidden_leads,
        brokers_nobody_manages_are_shown,
        removed_leads_stay,
        onlookers_claim,
        ended_shares_count,
        a_share_to_view_gives_work,
        closed_ponds_are_open,
        members_of_units_above_see,
        pytest.param(shows(Lock.SHOWN_HIDDEN), id="hidden_leads_are_shown_to_teams"),
        pytest.param(shows(Lock.ORIGIN_HIDDEN), id="hidden_leads_are_shown_where_they_came_from"),
        hidden_leads_are_shown_to_the_company,
        the_company_minds_the_switch_of_the_agent,
    ],
)
def test_v1_a_planted_breach_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    assert_found()


def viewer_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keyring, "limited_to", lambda self, within: self)


def function_forgets_the_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keyring, "access", Keyring._access)


def lists_forget_the_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_within", lambda held, at_least, prefix, condition: condition)


def reasons_outlive_the_access(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Access, "at_most", lambda self, limit: replace(self, level=min(self.level, limit)))


@pytest.mark.parametrize(
    "plant", [viewer_forgotten, function_forgets_the_viewer, lists_forget_the_viewer, reasons_outlive_the_access]
)
def test_v7_a_planted_breach_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    views = partial(compare_views, pairs=TELLING_PAIRS)
    assert any(is_wrong(world, views) for world in TELLING)
