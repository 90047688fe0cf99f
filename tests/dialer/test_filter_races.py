"""D3: a lead filter that is deleted just as something takes it is refused there, and one that was just taken stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event
from time import sleep

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from dialer.models import AgentSkill, Automation, Campaign, LeadFilter
from dialer.services.automations import AutomationValues, save_automation
from dialer.services.campaigns import CampaignValues, save_campaign
from dialer.services.filters import InUseError, delete_filter
from dialer.services.skills import give_skill
from routing.services.team import NotEligibleError
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.scenes import Brokerage, brokerage
from tests.support.threads import at_once

MEANWHILE = 0.3  # seconds in which the other comes to wait


def by_campaign(harbor: Brokerage, one: LeadFilter) -> None:
    [campaign] = Campaign.objects.all()
    values = CampaignValues.of(campaign)
    values = replace(values, settings={**values.settings, "lead_filter": one})
    save_campaign(actor=harbor.broker, unit=harbor.lakeside, campaign=campaign, values=values, version=1)


def by_automation(harbor: Brokerage, one: LeadFilter) -> None:
    [automation] = Automation.objects.all()
    values = AutomationValues.of(automation)
    values = replace(values, settings={**values.settings, "lead_filter": one})
    save_automation(actor=harbor.broker, unit=harbor.lakeside, automation=automation, values=values, version=1)


def by_agent(harbor: Brokerage, one: LeadFilter) -> None:
    give_skill(actor=harbor.broker, user_id=harbor.ana.pk, lead_filter=one, seen=0)


Take = Callable[[Brokerage, LeadFilter], None]
TAKES = pytest.mark.parametrize("take", [by_campaign, by_automation, by_agent])


def scene() -> tuple[Brokerage, LeadFilter]:
    harbor = brokerage()
    make_campaign(harbor.lakeside)
    owned = {"company": harbor.company, "unit": harbor.lakeside, "author": harbor.broker}
    Automation.objects.create(name="Tag", trigger="created", tag="New", **owned)
    return harbor, make_filter(harbor.north)


@TAKES
def test_d3_what_takes_a_filter_that_is_just_deleted_is_refused(committing_db: str, take: Take) -> None:
    harbor, one = scene()
    deleted = Event()

    def delete() -> None:
        with transaction.atomic():
            delete_filter(actor=harbor.broker, lead_filter=one)
            deleted.set()
            sleep(MEANWHILE)

    def save() -> bool:
        deleted.wait()
        try:
            take(harbor, one)
        except (ValidationError, NotEligibleError):
            return True
        return False

    assert at_once(delete, save) == [None, True]
    assert not AgentSkill.objects.exists()


@TAKES
def test_d3_a_filter_that_was_just_taken_is_not_deleted(committing_db: str, take: Take) -> None:
    harbor, one = scene()
    taken = Event()

    def save() -> None:
        with transaction.atomic():
            take(harbor, one)
            taken.set()
            sleep(MEANWHILE)

    def delete() -> bool:
        taken.wait()
        try:
            delete_filter(actor=harbor.broker, lead_filter=one)
        except InUseError:
            return True
        return False

    assert at_once(save, delete) == [None, True]
    assert LeadFilter.objects.filter(pk=one.pk).exists()
