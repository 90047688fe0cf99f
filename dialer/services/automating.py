"""Automations at work (D13): each is done with the rights of who saved it last, and is logged; loops are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from crm.notifications.services import Message, notify
from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from dialer.models import Automation, AutomationDue, AutomationRun
from dialer.services.campaigns import leads_of
from dialer.services.filters import read_saved
from dialer.services.lists import fields_of
from dialer.services.matching import matching
from leads.models import Lead, Task
from leads.services.assigning import assign_leads, assignees_of
from leads.services.deciding import managers_told
from leads.services.ponding import pool
from leads.services.tasks import MOST_AHEAD, add_task
from leads.services.transferring import release_leads, transfer_leads
from leads.services.working import change_stage, edit_lead
from leads.tags import united
from permissions.catalog import Permission
from permissions.door import require_verb
from permissions.keyring import load_keyring
from permissions.verbs import Verb
from routing.services.team import may

MOST_IN_A_CHAIN = 5
MOST_TRIES = 3
COLD_AT_ONCE = 1000
Outcome, Trigger, Told = AutomationRun.Outcome, Automation.Trigger, Automation.Told


class NothingToDoError(Exception):
    """Why an automation leaves the lead alone, in a sentence."""


@dataclass(frozen=True)
class Job:
    """One automation about one lead, which is held; `actor` is who did what it answers to."""

    automation: Automation
    lead: Lead
    actor: User | None

    @property
    def author(self) -> User:
        return self.automation.author

    @property
    def why(self) -> str:
        return f"automation {self.automation.name}"

    @property
    def by(self) -> str:
        """What people are told of who did it."""
        return f"The automation “{self.automation.name}”{f', set off by {self.actor},' if self.actor else ''}"


def do_next() -> bool:
    """Do what has waited longest: whether there was anything. What breaks is tried again after the others."""
    due = None
    try:
        with transaction.atomic():
            due = _waiting()
            if due is None:
                return False
            if Lead.objects.filter(of_unit(due.automation.unit_id), pk=due.lead_id).exists():
                _log(due, *_do(due))
            AutomationDue.objects.filter(pk=due.pk).delete()
    except Exception:
        if due is None or due.tries + 1 < MOST_TRIES:
            AutomationDue.objects.filter(pk=due.pk if due else 0).update(tries=F("tries") + 1)
            raise
        with transaction.atomic():
            _log(due, Outcome.FAILED, ["It broke off three times. Nothing was changed."])
            AutomationDue.objects.filter(pk=due.pk).delete()
        raise
    return True


def _waiting() -> AutomationDue | None:
    rows = AutomationDue.objects.select_for_update(of=("self",), skip_locked=True)
    related = rows.select_related("automation__author__company", "automation__unit", "actor")
    return related.order_by("tries", "pk").first()


def _log(due: AutomationDue, outcome: str, said: list[str]) -> None:
    AutomationRun.objects.create(
        company_id=due.company_id,
        automation_id=due.automation_id,
        lead_id=due.lead_id,
        actor_id=due.actor_id,
        outcome=outcome,
        said=said,
    )


def _do(due: AutomationDue) -> tuple[str, list[str]]:
    """What came of it. What is refused in the middle leaves the lead as it was."""
    automation = due.automation
    if automation.pk in due.chain or len(due.chain) >= MOST_IN_A_CHAIN:
        return Outcome.CUT, ["It was caused by itself, or by a long chain of automations."]
    lead = Lead.objects.filter(pk=due.lead_id, removed_at=None).in_id_order().first()
    try:
        if lead is None:
            raise NothingToDoError("The lead is not there any more.")
        _check(automation, lead)
        with transaction.atomic(), _caused_by([*due.chain, automation.pk]):
            return Outcome.DONE, _act(Job(automation, lead, due.actor))
    except NothingToDoError as reason:
        return Outcome.NOT_ASKED, [str(reason)]
    except PermissionDenied as refusal:
        return Outcome.REFUSED, [str(refusal)]
    except ValidationError as refusal:
        return Outcome.REFUSED, refusal.messages


def _check(automation: Automation, lead: Lead) -> None:
    """Raise NothingToDoError where it is not about this lead as it is now, PermissionDenied where it may nothing."""
    if not automation.active:
        raise NothingToDoError("The automation was stopped.")
    author = automation.author
    if not author.is_active or not may(author, automation.unit, Permission.MANAGE_CAMPAIGN):
        raise PermissionDenied(f"{author}, who saved it last, no longer manages {automation.unit}. Save it again.")
    if not Lead.objects.filter(asked_by(automation), pk=lead.pk).exists():
        raise NothingToDoError("Its conditions do not hold for the lead.")


def of_unit(unit_id: int) -> Q:
    """The leads that automations of the unit are about: its own, those of units below it, and their members'."""
    units = Unit.objects.filter(within([unit_id])).values("pk")
    members = Membership.objects.current().filter(unit__in=units)
    return Q(owner_unit__in=units) | Q(owner_user__in=members.values("user"))


def asked_by(automation: Automation) -> Q:
    """The leads that its conditions hold for. A disposition was asked for its campaign as it was set."""
    asked = Q()
    if automation.lead_filter is not None:
        asked = matching(read_saved(automation.lead_filter), fields_of(automation.company_id))
    if automation.trigger == Trigger.DISPOSITION:
        return asked
    campaigns = list(automation.campaigns.select_related("lead_filter").order_by("pk"))
    chosen = Q(pk__in=[]) if campaigns else Q()
    for campaign in campaigns:
        chosen |= leads_of(campaign)
    return asked & chosen


class _caused_by:
    """Within it, what is written down to be done is caused by these automations."""

    def __init__(self, chain: list[int]) -> None:
        self.chain = chain

    def __enter__(self) -> None:
        self._set(",".join(map(str, self.chain)))

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._set("")

    def _set(self, chain: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('fairlead.automations', %s, true)", [chain])


# --- what it does, in this order: the owner last, who decides of all after --------------------------------------------


def _act(job: Job) -> list[str]:
    said = [words for step in STEPS for words in step(job)]
    if not said:
        raise NothingToDoError("All that it does is so already.")
    return said


def _tag(job: Job) -> Iterator[str]:
    tag, tags = job.automation.tag, job.lead.tags
    if tag and (now := united(tags, [tag])) != tags:
        edit_lead(keyring=load_keyring(job.author), lead=job.lead, fields={"tags": now})
        yield f"Tagged {tag}."


def _stage(job: Job) -> Iterator[str]:
    stage = job.automation.new_stage
    if stage is not None and job.lead.stage_id != stage.pk:
        change_stage(keyring=load_keyring(job.author), actor=job.author, lead=job.lead, stage=stage, automatic=True)
        yield f"Moved to {stage.name}."


def _task(job: Job) -> Iterator[str]:
    automation, agent = job.automation, job.lead.agent
    if not automation.task:
        return
    add_task(
        keyring=load_keyring(job.author),
        actor=job.author,
        lead=job.lead,
        user=agent,
        kind=Task.Kind.TASK,
        title=automation.task,
        due_at=timezone.now() + timedelta(days=min(automation.task_days or 0, MOST_AHEAD.days)),
        time_zone=agent.time_zone if agent else "",
        automatic=True,
    )
    yield f"Planned “{automation.task}” for {agent.name if agent else 'anyone'}."


def _pond(job: Job) -> Iterator[str]:
    if job.automation.pond is not None:
        pool(keyring=load_keyring(job.author), actor=job.author, lead=job.lead, pond=job.automation.pond)
        yield f"Moved to the pond {job.automation.pond.name}."


def _clear(job: Job) -> Iterator[str]:
    if job.automation.clear and job.lead.agent_id is not None:
        release_leads(actor=job.author, lead_ids=[job.lead.pk], why=job.why)
        yield "Its Agent was taken off."


def _hand(job: Job) -> Iterator[str]:
    way = job.automation.new_owner
    if not way:
        return
    new = job.lead.agent if way == Automation.Owner.AGENT else job.actor
    if new is None:
        raise NothingToDoError("There is nobody to give it to.")
    if way == Automation.Owner.ASSIGNED:
        yield from _assign(job, new)
    elif job.lead.owner_user_id != new.pk:
        transfer_leads(actor=job.author, lead_ids=[job.lead.pk], to=new, why=job.why, by=job.by)
        yield f"{new.name} is the owner."


def _assign(job: Job, new: User) -> Iterator[str]:
    require_verb(load_keyring(job.author), job.lead, Verb.ASSIGN)
    if job.lead.owner_unit is None or not assignees_of(job.lead.owner_unit).filter(pk=new.pk).exists():
        raise ValidationError(f"{new.name} cannot be assigned leads of {job.lead.owner}.")
    if job.lead.agent_id != new.pk:
        assign_leads([job.lead.pk], new, actor_id=job.author.pk, why=job.why)
        yield f"{new.name} is the Agent."


def _tell(job: Job) -> Iterator[str]:
    if not job.automation.told:
        return
    people = TOLD[job.automation.told](Lead.objects.in_id_order().get(pk=job.lead.pk))
    body = job.automation.message
    message = [
        Message(one.pk, "automation", f"{job.automation.name}: {{lead}}", body, lead_id=job.lead.pk) for one in people
    ]
    notify(job.automation.company_id, message)
    yield f"Told {', '.join(one.name for one in people) or 'nobody: there is nobody to tell'}."


def _one(person: User | None) -> list[User]:
    return [person] if person is not None and person.is_active else []


STEPS: tuple[Callable[[Job], Iterator[str]], ...] = (_tag, _stage, _task, _pond, _clear, _hand, _tell)
TOLD: dict[str, Callable[[Lead], list[User]]] = {
    Told.AGENT: lambda lead: _one(lead.agent),
    Told.OWNER: lambda lead: _one(lead.owner_user),
    Told.MANAGERS: managers_told,
}


# --- leads that nothing happens to ------------------------------------------------------------------------------------


def find_cold() -> int:
    """Write down, once for each silence, what is to be done with leads that nothing has happened to: with how many."""
    found = 0
    automations = Automation.objects.filter(active=True, trigger=Trigger.COLD).select_related("lead_filter", "unit")
    for automation in automations.order_by("pk"):
        found += _find_cold(automation)
    return found


@transaction.atomic
def _find_cold(automation: Automation) -> int:
    runs = AutomationRun.objects.filter(automation=automation, lead=OuterRef("pk"))
    runs = runs.filter(at__gt=OuterRef("last_activity_at"))
    waiting = AutomationDue.objects.filter(automation=automation, lead=OuterRef("pk"))
    before = Now() - timedelta(days=automation.days or 0)
    silent = Q(last_activity_at__lt=before, stage__kind="open", removed_at=None, company=automation.company_id)
    leads = Lead.objects.filter(of_unit(automation.unit_id), asked_by(automation)).filter(silent)
    cold = leads.exclude(Exists(runs)).exclude(Exists(waiting)).order_by("pk").values_list("pk", flat=True)
    due = {"company_id": automation.company_id, "automation": automation}
    return len(AutomationDue.objects.bulk_create([AutomationDue(lead_id=pk, **due) for pk in cold[:COLD_AT_ONCE]]))
