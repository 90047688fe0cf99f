"""Parts of the product die at random while offers fall due: nothing is lost, nothing is offered twice (R9)."""

from __future__ import annotations

import random
import time
from datetime import timedelta

import pytest
from django.db.models import Count, Max

from crm.organization.models import Unit, User
from leads.models import Lead
from permissions import ledger
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, Rotation, RoutingPolicy
from routing.services.handing_out import route_leads
from tests.factories.leads import make_lead
from tests.factories.people import company_unit, make_company, make_manager, make_member, make_team
from tests.support.product import Product, wait_until

MORTAL = ("worker", "clock", "beat", "Valkey")
AGENTS, PASSES = 4, 2


def open_shop(leads: int, window: timedelta) -> tuple[Unit, User, list[Lead]]:
    """A team whose every lead runs through all its agents twice, a window each, and ends with the fallback."""
    team = make_team(company_unit(make_company()))
    fallback = make_manager(team)
    RoutingPolicy.objects.create(company=team.company, unit=team, claim_window=window, passes=PASSES, fallback=fallback)
    for position in range(AGENTS):
        RosterMember.objects.create(
            company=team.company, unit=team, user=make_member(team), position=position, enrolled=True
        )
    return team, fallback, [make_lead(team) for _ in range(leads)]


def hand_out_under_fire(
    product: Product, team: Unit, leads: list[Lead], seconds: float, killing: int, chance: random.Random
) -> None:
    """Route the leads in handfuls over `seconds` while parts are killed, `killing` of them at least."""
    end, kills, waiting = time.monotonic() + seconds, 0, [lead.pk for lead in leads]
    while time.monotonic() < end or waiting or kills < killing:
        assert time.monotonic() < end + 60, f"{kills} of {killing}: parts do not come back"
        handful, waiting = waiting[:5], waiting[5:]
        if handful:
            route_leads(company_id=team.company_id, unit_id=team.pk, lead_ids=handful)
        try:
            product.kill(chance.choice(MORTAL))
            kills += 1
        except ProcessLookupError:
            pass  # dead already, and not yet started again
        time.sleep(chance.uniform(0.1, 0.8))


def check_story(team: Unit, fallback: User, leads: list[Lead]) -> None:
    """Every lead went through every agent once a pass and ended with the fallback, and the ledger says the same."""
    ids = [lead.pk for lead in leads]
    assert set(Lead.objects.filter(pk__in=ids).values_list("agent", flat=True)) == {fallback.pk}
    assert set(Rotation.objects.filter(lead__in=ids).values_list("outcome", flat=True)) == {"fallback"}
    offers = Offer.objects.filter(lead__in=ids)
    assert offers.count() == len(ids) * AGENTS * PASSES
    assert set(offers.values_list("state", flat=True)) == {"expired"}
    per_turn = offers.order_by().values("lead", "pass_number", "user").annotate(times=Count("pk"))
    assert per_turn.aggregate(most=Max("times"))["most"] == 1
    for kind in ("offered", "expired"):
        assert LedgerEntry.objects.filter(lead_id__in=ids, kind=kind).count() == offers.count()
    ledger.seal()
    verdict = ledger.verify(team.company_id)
    assert verdict.problem == ""
    assert verdict.unsealed == 0


def rounds(team: Unit) -> bool:
    return not Rotation.objects.filter(unit=team, ended_at=None).exists()


def test_r9_nothing_is_lost_or_offered_twice_while_parts_die_for_ten_seconds(running_product: Product) -> None:
    with running_product.database():
        team, fallback, leads = open_shop(leads=40, window=timedelta(seconds=1))
        hand_out_under_fire(running_product, team, leads, seconds=10, killing=10, chance=random.Random(7))
        wait_until(lambda: rounds(team), seconds=60, what="the end of every rotation")
        check_story(team, fallback, leads)
    running_product.wait_until_well()


@pytest.mark.soak
def test_r9_nothing_is_lost_or_offered_twice_while_parts_die_for_ten_minutes(running_product: Product) -> None:
    with running_product.database():
        team, fallback, leads = open_shop(leads=2500, window=timedelta(seconds=5))
        hand_out_under_fire(running_product, team, leads, seconds=600, killing=60, chance=random.Random())
        wait_until(lambda: rounds(team), seconds=300, what="the end of every rotation")
        check_story(team, fallback, leads)
    running_product.wait_until_well()
