"""What follows by itself (D13): from a disposition or a stage, within what may be, once, and written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.notifications.models import Notification
from crm.organization.models import User
from dialer.models import Automation, AutomationRun, Campaign, Disposition
from dialer.services.automations import stage_changed
from dialer.signals import disposed
from leads.models import Activity, Lead, Task
from leads.services.working import change_stage
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import in_pond, make_lead, make_pond, make_stage
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def campaign(harbor: Brokerage) -> Campaign:
    return make_campaign(harbor.north)


def of(harbor: Brokerage, name: str) -> Disposition:
    return Disposition.objects.get(company=harbor.company, name=name)


def on_sale(harbor: Brokerage, **fields: Any) -> Automation:
    values = {"name": "Sold", "trigger": "disposition", "disposition": of(harbor, "Sale")} | fields
    return Automation.objects.create(company=harbor.company, **values)


def says(campaign: Campaign, lead: Lead, actor: User, disposition: Disposition) -> None:
    disposed.send(sender=Lead, campaign=campaign, lead=lead, actor=actor, disposition=disposition, said=None)


def run() -> tuple[str, str]:
    one = AutomationRun.objects.get()
    return one.did, one.left


def test_d13_a_sale_makes_the_agent_the_owner(harbor: Brokerage, campaign: Campaign) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    on_sale(harbor, hand="owner")
    says(campaign, lead, harbor.ana, of(harbor, "Busy"))
    assert not AutomationRun.objects.exists()
    says(campaign, lead, harbor.ana, of(harbor, "Sale"))
    lead.refresh_from_db()
    assert (lead.owner_user, lead.holder_id) == (harbor.ana, harbor.ana.pk)
    fact = LedgerEntry.objects.get(lead_id=lead.pk, kind="owner_changed")
    assert (fact.why, fact.actor, fact.to_user_id) == ("automation", harbor.ana, harbor.ana.pk)
    assert run() == ("Make the agent its owner", "")


def test_d13_everything_there_is_to_do(harbor: Brokerage, campaign: Campaign) -> None:
    lead, stage = make_lead(harbor.lakeside, tags=["old"]), make_stage(harbor.company, "Won over")
    on_sale(harbor, hand="assign", to_stage=stage, add_tag="sold", task_title="Send flowers", notify_holder=True)
    says(campaign, lead, harbor.ben, of(harbor, "Sale"))
    lead.refresh_from_db()
    assert (lead.agent, lead.owner_unit, lead.stage, lead.tags) == (harbor.ben, harbor.lakeside, stage, ["old", "sold"])
    assert (Task.objects.get().user, Task.objects.get().title) == (harbor.ben, "Send flowers")
    assert Notification.objects.filter(kind="automation").get().user == harbor.ben
    assert Activity.objects.get(lead=lead, kind="stage").automatic
    assert run()[0] == "Assign it to the agent; moved to Won over; tagged sold; planned a task; told its holder"


def test_d13_slots_are_cleared_and_ponds_filled(harbor: Brokerage, campaign: Campaign) -> None:
    lead, pond = make_lead(harbor.lakeside, agent=harbor.ana), make_pond(harbor.lakeside, harbor.ben)
    one = on_sale(harbor, hand="pond", pond=pond)
    says(campaign, lead, harbor.ana, of(harbor, "Sale"))
    lead.refresh_from_db()
    assert lead.agent is None
    assert lead.assignments.get().pond == pond
    Automation.objects.filter(pk=one.pk).update(hand="clear", pond=None)
    other = make_lead(harbor.lakeside, agent=harbor.ana)
    says(campaign, other, harbor.ana, of(harbor, "Sale"))
    other.refresh_from_db()
    assert other.agent is None
    assert in_pond(other, pond).agent is None


@pytest.mark.parametrize("hand", ["owner", "assign", "clear"])
def test_d13_somebodys_personal_lead_stays_theirs(harbor: Brokerage, campaign: Campaign, hand: str) -> None:
    lead = make_lead(harbor.ana)
    on_sale(harbor, hand=hand, add_tag="sold")
    says(campaign, lead, harbor.lead, of(harbor, "Sale"))
    lead.refresh_from_db()
    assert (lead.owner_user, lead.tags) == (harbor.ana, [])
    assert run() == ("", "It is somebody’s personal lead, which only its owner gives away.")


def test_d13_what_may_not_be_is_left_and_said(harbor: Brokerage, campaign: Campaign) -> None:
    lead = make_lead(harbor.lakeside)
    one = on_sale(harbor, hand="assign")
    says(campaign, lead, harbor.eve, of(harbor, "Sale"))
    assert "is no member of Lakeside" in run()[1]
    AutomationRun.objects.all().delete()
    Automation.objects.filter(pk=one.pk).update(hand="owner")
    harbor.company.personal_leads = "company_only"
    harbor.company.save(update_fields=["personal_leads"])
    says(campaign, lead, harbor.ana, of(harbor, "Sale"))
    lead.refresh_from_db()
    assert lead.owner_unit == harbor.lakeside
    assert "policy" in run()[1]


def test_d13_in_chosen_campaigns_and_for_chosen_leads(harbor: Brokerage, campaign: Campaign) -> None:
    hot, cold = make_lead(harbor.lakeside, score=90), make_lead(harbor.lakeside, score=10)
    on_sale(harbor, add_tag="x", campaign=campaign, lead_filter=make_filter(harbor.north, ("score", "at_least", "50")))
    says(make_campaign(harbor.north), hot, harbor.ana, of(harbor, "Sale"))
    says(campaign, cold, harbor.ana, of(harbor, "Sale"))
    assert not AutomationRun.objects.exists()
    says(campaign, hot, harbor.ana, of(harbor, "Sale"))
    assert run()[0] == "tagged x"
    Automation.objects.update(active=False)
    says(campaign, hot, harbor.ana, of(harbor, "Sale"))
    assert AutomationRun.objects.count() == 1


def test_d13_a_stage_sets_it_off(harbor: Brokerage) -> None:
    lead, stage = make_lead(harbor.lakeside, agent=harbor.ana), make_stage(harbor.company, "Warm")
    Automation.objects.create(company=harbor.company, name="Warm", trigger="stage", stage=stage, add_tag="warm")
    change_stage(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, stage=stage)
    lead.refresh_from_db()
    assert lead.tags == ["warm"]


def test_d13_loops_are_cut(harbor: Brokerage) -> None:
    one, two = make_stage(harbor.company, "One"), make_stage(harbor.company, "Two")
    for here, there in ((one, two), (two, one)):
        Automation.objects.create(
            company=harbor.company, name=here.name, trigger="stage", stage=here, to_stage=there, add_tag=here.name
        )
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    change_stage(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, stage=one)
    lead.refresh_from_db()
    assert AutomationRun.objects.count() == 2
    assert lead.stage == one
    stage_changed(lead, harbor.ana, two.pk)
    assert AutomationRun.objects.count() == 3  # it is there already, and goes no further


def test_d13_the_admin_sets_it_up_and_shows_what_it_did(client: Client, harbor: Brokerage, campaign: Campaign) -> None:
    client.force_login(harbor.broker)
    add = "/admin/dialer/automation/add/"
    sent = {"name": "Sold", "active": "on", "trigger": "disposition", "task_in_days": "1"}
    refused = client.post(add, sent | {"disposition": of(harbor, "Sale").pk})
    assert "Say at least one thing to do." in refused.content.decode()
    refused = client.post(add, sent | {"hand": "owner"})
    assert "Choose the disposition that sets it off" in refused.content.decode()
    assert client.post(add, sent | {"hand": "owner", "disposition": of(harbor, "Sale").pk}).status_code == 302
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    says(campaign, lead, harbor.ana, of(harbor, "Sale"))
    html = client.get(f"/admin/dialer/automation/{Automation.objects.get().pk}/change/").content.decode()
    assert "Ana: Make the agent its owner" in html
    assert lead.name not in html
