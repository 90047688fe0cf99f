"""Automations (D13): what begins one, what it does with whose rights, what is logged, and that loops are cut."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User
from dialer.models import Automation, AutomationCampaign, AutomationDue, AutomationRun, CallAttempt, Disposition
from dialer.services import automating
from dialer.services.automating import do_next, find_cold
from dialer.services.gates import permit
from leads.models import Activity, Lead, Stage, Task
from leads.services.creating import NewLead, create_lead
from leads.services.working import change_stage
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.services.claiming import claim
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import assign, make_lead, make_pond, make_stage, offer
from tests.factories.people import leave_company, leave_unit
from tests.factories.scenes import Brokerage, brokerage

PHONE = "+16025550100"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def make(harbor: Brokerage, trigger: str = "stage", name: str = "", **fields: Any) -> Automation:
    values = {
        "unit": harbor.north,
        "author": harbor.north_admin,
        "company": harbor.company,
        "trigger": trigger,
    } | fields
    return Automation.objects.create(name=name or f"{trigger} {Automation.objects.count()}", **values)


def run() -> list[tuple[str, list[str]]]:
    """All that is due: what came of each."""
    before = set(AutomationRun.objects.values_list("pk", flat=True))
    while do_next():
        pass
    runs = AutomationRun.objects.exclude(pk__in=before).order_by("pk")
    return [(one.outcome, one.said) for one in runs]


def dispose(lead: Lead, user: User, name: str, campaign: Any = None) -> CallAttempt:
    attempt = permit(lead=lead, user=user, campaign=campaign, number=PHONE, now=timezone.now())
    attempt.disposition = Disposition.objects.get(company=lead.company, name=name)
    attempt.save(update_fields=["disposition"])
    return attempt


def move(lead: Lead, stage: Stage, by: User) -> None:
    change_stage(keyring=load_keyring(by), actor=by, lead=lead, stage=stage)


def outcomes() -> list[str]:
    return [outcome for outcome, _ in run()]


# --- what begins one --------------------------------------------------------------------------------------------------


def test_d13_a_sale_makes_the_agent_who_set_it_the_owner(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, phones=[PHONE])
    assign(lead, harbor.ben)
    sale = Disposition.objects.get(company=harbor.company, name="Sale")
    make(harbor, "disposition", disposition=sale, new_owner="submitter", tag="Sold", told="managers", message="Sold!")
    dispose(lead, harbor.ana, "Busy")
    assert run() == []
    dispose(lead, harbor.ana, "Sale")
    assert run() == [("done", ["Tagged Sold.", "Ana is the owner.", "Told Lead."])], "a manager of hers, not she"
    lead.refresh_from_db()
    assert (lead.owner_user, lead.tags) == (harbor.ana, ["Sold"])
    fact = LedgerEntry.objects.get(kind="owner_changed", lead_id=lead.pk)
    assert (fact.actor, fact.why) == (harbor.north_admin, "automation disposition 0")


@pytest.mark.parametrize("set_off", [True, False])
def test_d13_who_had_it_and_who_has_it_are_told_that_an_automation_did_it(db: None, set_off: bool) -> None:
    """Whoever saved it did nothing now; whoever set it off only moved the stage."""
    harbor = brokerage("managed")
    lead = make_lead(harbor.ana)
    assign(lead, harbor.ben)
    made = make(harbor, "stage", name="Hand on", stage=lead.stage, new_owner="agent")
    AutomationDue.objects.create(
        company=harbor.company, automation=made, lead=lead, actor=harbor.lead if set_off else None
    )
    assert run() == [("done", ["Ben is the owner."])]
    by = "The automation “Hand on”, set off by Lead," if set_off else "The automation “Hand on”"
    told = {one.user: one.body for one in Notification.objects.filter(user__in=[harbor.ana, harbor.ben])}
    assert told == {harbor.ana: f"{by} changed the owner.", harbor.ben: f"{by} made you the owner."}


def test_d13_whoever_set_it_becomes_the_agent_where_she_may_be(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, phones=[PHONE])
    busy = Disposition.objects.get(company=harbor.company, name="Busy")
    make(harbor, "disposition", disposition=busy, new_owner="assigned")
    dispose(lead, harbor.ana, "Busy")
    dispose(lead, harbor.dee, "Busy")
    assert run() == [("done", ["Ana is the Agent."]), ("refused", ["Dee cannot be assigned leads of Lakeside."])]
    lead.refresh_from_db()
    assert (lead.agent, lead.owner_unit) == (harbor.ana, harbor.lakeside)


def test_d13_a_disposition_counts_in_the_chosen_campaigns_only(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, phones=[PHONE])
    west, east = make_campaign(harbor.lakeside), make_campaign(harbor.lakeside)
    busy = Disposition.objects.get(company=harbor.company, name="Busy")
    made = make(harbor, "disposition", disposition=busy, tag="West")
    AutomationCampaign.objects.create(company=harbor.company, automation=made, campaign=west)
    for campaign in (None, east):
        dispose(lead, harbor.ana, "Busy", campaign)
    assert not AutomationDue.objects.exists()
    dispose(lead, harbor.ana, "Busy", west)
    assert outcomes() == ["done"]


def test_d13_a_stage_reached_by_hand_or_in_mass(harbor: Brokerage) -> None:
    warm, cold = make_stage(harbor.company, "Warm"), make_stage(harbor.company, "Cool")
    lead, other = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    make(harbor, stage=warm, tag="Warm")
    move(lead, cold, harbor.lead)
    assert run() == []
    move(lead, warm, harbor.lead)
    assert run() == [("done", ["Tagged Warm."])]
    Lead.objects.filter(pk=other.pk).update(stage=warm)
    kind = Activity.Kind.STAGE
    Activity.objects.bulk_create(
        [Activity(company=harbor.company, lead=one, kind=kind, bulk=True) for one in (lead, other)]
    )
    assert run() == [("not_asked", ["All that it does is so already."]), ("done", ["Tagged Warm."])]


def test_d13_claimed_and_created(harbor: Brokerage) -> None:
    make(harbor, "claimed", tag="Claimed")
    make(harbor, "created", tag="Fresh")
    lead = make_lead(harbor.lakeside)
    offer(lead, harbor.ana)
    AutomationDue.objects.all().delete()
    claim(lead_id=lead.pk, user=harbor.ana, act="call")
    assert run() == [("done", ["Tagged Claimed."])]
    new = NewLead({"first_name": "Mia", "last_name": "Lee"}, phones=("602 555 0111",))
    made = create_lead(actor=harbor.lead, owner=harbor.lakeside, new=new)
    assert run() == [("done", ["Tagged Fresh."])]
    made.refresh_from_db()
    assert made.tags == ["Fresh"]


def test_d13_nothing_for_days_once_for_each_silence(harbor: Brokerage) -> None:
    make(harbor, "cold", days=30, tag="Cold")
    old, young = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    lost = make_lead(harbor.lakeside, stage=make_stage(harbor.company, "Gone", "lost"))
    long_ago = timezone.now() - timedelta(days=31)
    Lead.objects.filter(pk__in=[old.pk, lost.pk]).update(last_activity_at=long_ago)
    assert young.last_activity_at > long_ago
    assert (find_cold(), find_cold()) == (1, 0)
    assert outcomes() == ["done"]
    assert find_cold() == 0
    Lead.objects.filter(pk=old.pk).update(last_activity_at=timezone.now() - timedelta(days=30, hours=1), tags=[])
    AutomationRun.objects.update(at=timezone.now() - timedelta(days=40))
    assert find_cold() == 1
    assert outcomes() == ["done"]


def test_d13_what_is_due_is_written_with_its_cause_or_not_at_all(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, tag="Warm")
    lead = make_lead(harbor.lakeside)
    with transaction.atomic():
        move(lead, warm, harbor.lead)
        assert AutomationDue.objects.count() == 1
        transaction.set_rollback(True)
    assert not AutomationDue.objects.exists()


# --- for which leads --------------------------------------------------------------------------------------------------


def test_d13_conditions_are_asked_of_the_lead_as_it_is(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, tag="Here", lead_filter=make_filter(harbor.north, ("state", "is", "AZ")))
    here, there = make_lead(harbor.lakeside, state="AZ"), make_lead(harbor.lakeside, state="CA")
    for lead in (here, there):
        move(lead, warm, harbor.lead)
    assert run() == [("done", ["Tagged Here."]), ("not_asked", ["Its conditions do not hold for the lead."])]


def test_d13_chosen_campaigns_are_whose_leads_it_is_about(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    made = make(harbor, stage=warm, tag="Here")
    AutomationCampaign.objects.create(
        company=harbor.company, automation=made, campaign=make_campaign(harbor.hilltop, scope="unit")
    )
    for unit in (harbor.lakeside, harbor.hilltop):
        move(make_lead(unit), warm, harbor.north_admin)
    assert outcomes() == ["not_asked", "done"]


def test_d13_leads_of_other_units_are_none_of_its_business(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, tag="Here")
    move(make_lead(harbor.harborfront), warm, harbor.broker)
    assert run() == []
    assert not AutomationDue.objects.exists()


# --- what it does, with whose rights ----------------------------------------------------------------------------------


def test_d13_a_pond_and_taking_the_agent_off(harbor: Brokerage) -> None:
    warm, hot = make_stage(harbor.company, "Warm"), make_stage(harbor.company, "Hot")
    pond = make_pond(harbor.lakeside, harbor.ana, name="Lake")
    make(harbor, stage=warm, pond=pond)
    make(harbor, stage=hot, clear=True, new_stage=warm, told="agent", message="Off.")
    lead = make_lead(harbor.lakeside)
    assign(lead, harbor.ana)
    move(lead, hot, harbor.lead)
    assert run() == [
        ("done", ["Moved to Warm.", "Its Agent was taken off.", "Told nobody: there is nobody to tell."]),
        ("done", ["Moved to the pond Lake."]),
    ]
    lead.refresh_from_db()
    assert (lead.agent, lead.stage) == (None, warm)


def test_d13_a_task_for_the_agent_is_no_work_on_the_lead(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, task="Call back", task_days=2)
    lead = make_lead(harbor.lakeside)
    assign(lead, harbor.ana)
    move(lead, warm, harbor.lead)
    with mock.patch("leads.signals.worked.send") as worked:
        assert run() == [("done", ["Planned “Call back” for Ana."])]
    worked.assert_not_called()
    task = Task.objects.get(lead=lead)
    assert (task.user, task.title, task.created_by) == (harbor.ana, "Call back", harbor.north_admin)
    assert timedelta(days=1, hours=23) < task.due_at - timezone.now() < timedelta(days=2)


def test_d13_whoever_is_told_reads_the_lead_s_name_only_as_far_as_she_may(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, told="agent", message="Call today.", name="Warm ones")
    lead = make_lead(harbor.lakeside, first_name="Zoe")
    assign(lead, harbor.ana)
    move(lead, warm, harbor.lead)
    assert run() == [("done", ["Told Ana."])]
    told = Notification.objects.get(user=harbor.ana)
    assert (told.title, told.body, told.lead_id) == ("Warm ones: {lead}", "Call today.", lead.pk)


def test_d13_it_may_what_its_author_may_at_that_moment(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, tag="First", new_owner="agent")
    hers = make_lead(harbor.ana)
    move(hers, warm, harbor.ana)
    ((outcome, said),) = run()
    assert outcome == "refused"
    assert said
    hers.refresh_from_db()
    assert (hers.tags, hers.owner_user) == ([], harbor.ana)


def test_d13_an_author_who_left_or_manages_no_more_lends_nothing(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    made = make(harbor, stage=warm, tag="Warm")
    leave_unit(harbor.north_admin, harbor.north)
    move(make_lead(harbor.lakeside), warm, harbor.broker)
    assert run() == [("refused", ["North Admin, who saved it last, no longer manages North. Save it again."])]
    Automation.objects.filter(pk=made.pk).update(author=harbor.ben)
    leave_company(harbor.ben)
    move(make_lead(harbor.lakeside), warm, harbor.broker)
    assert outcomes() == ["refused"]


def test_d13_stopped_meanwhile_nothing_is_done(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    made = make(harbor, stage=warm, tag="Warm")
    move(make_lead(harbor.lakeside), warm, harbor.lead)
    Automation.objects.filter(pk=made.pk).update(active=False)
    assert run() == [("not_asked", ["The automation was stopped."])]
    move(make_lead(harbor.lakeside), warm, harbor.lead)
    assert run() == []


def test_d13_an_owner_is_made_of_somebody_only(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, tag="Warm", new_owner="agent")
    lead = make_lead(harbor.lakeside)
    move(lead, warm, harbor.lead)
    assert run() == [("not_asked", ["There is nobody to give it to."])]
    lead.refresh_from_db()
    assert lead.tags == []


# --- loops and breaks -------------------------------------------------------------------------------------------------


def test_d13_loops_are_cut(harbor: Brokerage) -> None:
    warm, cool = make_stage(harbor.company, "Warm"), make_stage(harbor.company, "Cool")
    make(harbor, stage=warm, new_stage=cool)
    make(harbor, stage=cool, new_stage=warm)
    lead = make_lead(harbor.lakeside)
    move(lead, warm, harbor.lead)
    assert outcomes() == ["done", "done", "cut"]
    lead.refresh_from_db()
    assert lead.stage == warm
    move(lead, cool, harbor.lead)
    assert outcomes() == ["done", "done", "cut"]


def test_d13_long_chains_are_cut(harbor: Brokerage) -> None:
    stages = [make_stage(harbor.company, f"Step {n}") for n in range(8)]
    for here, there in pairwise(stages):
        make(harbor, stage=here, new_stage=there)
    move(make_lead(harbor.lakeside), stages[0], harbor.lead)
    assert outcomes() == ["done"] * 5 + ["cut"]


def test_d13_what_breaks_waits_behind_the_others_and_is_given_up_after_three_tries(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    make(harbor, stage=warm, tag="Warm")
    broken, fine = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    real = automating.edit_lead

    def breaking(*, lead: Lead, **given: Any) -> Lead:
        if lead == broken:
            raise RuntimeError("no such luck")
        return real(lead=lead, **given)

    for lead in (broken, fine):
        move(lead, warm, harbor.lead)
    with mock.patch.object(automating, "edit_lead", breaking):
        with pytest.raises(RuntimeError):
            do_next()
        assert do_next()
        for _ in range(2):
            with pytest.raises(RuntimeError):
                do_next()
    assert not do_next()
    assert list(AutomationRun.objects.order_by("pk").values_list("lead", "outcome")) == [
        (fine.pk, "done"),
        (broken.pk, "failed"),
    ]
    broken.refresh_from_db()
    assert broken.tags == []


@pytest.mark.parametrize(
    "fields",
    [
        {"trigger": "stage"},
        {"trigger": "cold", "days": 0},
        {"trigger": "claimed", "days": 3},
        {"trigger": "claimed", "new_owner": "agent", "clear": True},
        {"trigger": "claimed", "task": "Call"},
        {"trigger": "claimed", "told": "agent"},
        {"trigger": "claimed", "message": "Hello"},
    ],
)
def test_d13_the_database_keeps_what_goes_together(harbor: Brokerage, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make(harbor, **fields)
