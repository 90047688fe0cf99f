"""Tasks, appointments and callbacks (L5): planned, changed, done, undone; reminders, which fall due as rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from crm.core.templatetags.core import dated
from crm.notifications.services import Message, notify
from crm.organization.models import User
from leads import signals
from leads.models import Activity, Lead, Task
from leads.services.working import touch
from permissions.access import Keyring, Level
from permissions.door import access_to, require

REMINDERS_AT_ONCE = 500
MOST_AHEAD = timedelta(days=3653)  # ten years
MOST_BEHIND = timedelta(days=366)
LONG_AGO = "This is more than a year ago. Choose a later day."
TOO_FAR = "This is more than ten years ahead. Choose an earlier day."
NOT_HERS = "You may look at this, but it is not yours to change."
ACTS = {Task.Kind.APPOINTMENT: "meeting"}  # by which claims know them; all others are tasks (R6)


class TooFarError(ValueError):
    """It would be due later than anybody plans, or was due long ago; the text says so."""


def check_due(due_at: datetime) -> None:
    """Raises TooFarError."""
    now = timezone.now()
    if due_at > now + MOST_AHEAD:
        raise TooFarError(TOO_FAR)
    if due_at < now - MOST_BEHIND:
        raise TooFarError(LONG_AGO)


@transaction.atomic
def add_task(
    *,
    keyring: Keyring,
    actor: User,
    lead: Lead | None,
    user: User | None,
    kind: str,
    title: str,
    due_at: datetime,
    remind: timedelta | None = None,
    time_zone: str = "",
    campaign_id: int | None = None,
    automatic: bool = False,
) -> Task:
    """Plan something; on a lead it is work (V2), unless `automatic`, and stands on the timeline. `remind`: so long before
    it is due.

    Raises PermissionDenied below `work` on the lead, TooFarError.
    """
    check_due(due_at)
    if lead is not None:
        lead = Lead.objects.in_id_order().get(pk=lead.pk)
        require(keyring, lead, Level.WORK)
    made = Task.objects.create(
        company_id=actor.company_id,
        lead=lead,
        user=user,
        kind=kind,
        title=title,
        due_at=due_at,
        time_zone=time_zone or actor.time_zone,
        remind_at=_reminder(due_at, remind),
        campaign_id=campaign_id,
        created_by=actor,
    )
    if lead is not None:
        _announce(actor, lead, made, by_hand=not automatic)
    return made


def _announce(actor: User, lead: Lead, made: Task, *, by_hand: bool) -> None:
    when = dated(made.due_at, "M j, g:i A (T)")
    _note(lead, actor, f"{made.get_kind_display()}, {when}: {made.title}")
    if by_hand:
        signals.worked.send(sender=Lead, lead=lead, actor=actor, act=ACTS.get(Task.Kind(made.kind), "task"))


def _reminder(due_at: datetime, before: timedelta | None) -> datetime | None:
    return None if before is None else due_at - before


def _note(lead: Lead, actor: User, words: str) -> None:
    kind = Activity.Kind.TASK
    Activity.objects.create(company_id=lead.company_id, lead=lead, kind=kind, actor=actor, body=words)
    touch(lead, contact=False)


def may_change(keyring: Keyring, task: Task) -> bool:
    """Whoever it is for or from, and whoever works its lead; the caller has seen that it is there for her."""
    own = keyring.user_id in (task.user_id, task.created_by_id)
    return own or (task.lead is not None and access_to(keyring, task.lead).level >= Level.WORK)


@transaction.atomic
def change_task(
    *, keyring: Keyring, task: Task, user: User | None, title: str, due_at: datetime, remind: timedelta | None
) -> None:
    """Another time, person or title. It reminds anew. Raises PermissionDenied, TooFarError."""
    held = _held(keyring, task)
    if due_at != held.due_at:
        check_due(due_at)
    held.user, held.title, held.due_at = user, title, due_at
    held.remind_at, held.reminded_at = _reminder(due_at, remind), None
    held.save(update_fields=["user", "title", "due_at", "remind_at", "reminded_at"])


@transaction.atomic
def set_done(*, keyring: Keyring, actor: User, task: Task, done: bool) -> bool:
    """Done, or not done after all: whether it was otherwise before. Raises PermissionDenied."""
    if task.lead_id is not None:
        list(Lead.objects.filter(pk=task.lead_id).in_id_order().values_list("pk", flat=True))
    held = _held(keyring, task)
    if (held.done_at is not None) == done:
        return False
    held.done_at, held.done_by = (timezone.now(), actor) if done else (None, None)
    held.save(update_fields=["done_at", "done_by"])
    if held.lead is not None:
        _note(held.lead, actor, f"{'Done' if done else 'Not done after all'}: {held.title}")
    return True


def _held(keyring: Keyring, task: Task) -> Task:
    held = Task.objects.select_for_update(of=("self",), no_key=True).select_related("lead").get(pk=task.pk)
    if held.dropped_at is not None or not may_change(keyring, held):
        raise PermissionDenied(NOT_HERS)
    return held


# --- reminders --------------------------------------------------------------------------------------------------------


@transaction.atomic
def remind_due(at_once: int = REMINDERS_AT_ONCE) -> int:
    """Tell people of what falls due, the earliest first: how many tasks. Each is told of once, whoever runs this."""
    waiting = Task.objects.open().filter(remind_at__lte=Now(), reminded_at=None)
    held = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("remind_at", "pk")
    due = list(held.select_related("lead", "user")[:at_once])
    Task.objects.filter(pk__in=[task.pk for task in due]).update(reminded_at=Now())
    holders = User.objects.active().in_bulk([_reminded(task) for task in due if _reminded(task)])
    by_company: dict[int, list[Message]] = {}
    for task in due:
        if user := holders.get(_reminded(task) or 0):
            by_company.setdefault(task.company_id, []).append(_message(task, user))
    for company_id, messages in by_company.items():
        notify(company_id, messages)
    return len(due)


def _reminded(task: Task) -> int | None:
    """Whose it is; of what is anyone's, whoever holds the lead."""
    return task.user_id or (task.lead.holder_id if task.lead else None)


def _message(task: Task, user: User) -> Message:
    """When it is due; of a lead without what somebody wrote: that is read on its page, by whoever may."""
    kind, zone = task.get_kind_display(), ZoneInfo(user.time_zone)
    with timezone.override(zone):
        due = f"Due {dated(task.due_at)}"
    if task.lead_id is None:
        return Message(user.pk, "task", f"{kind}: {task.title}", due, url="/tasks/")
    return Message(user.pk, "task", f"{kind} with {{lead}}", due, lead_id=task.lead_id)


# --- who leaves -------------------------------------------------------------------------------------------------------


def drop_tasks(user: User, units: Collection[int] | None) -> list[int]:
    """Her open ones go when she leaves (O4); with units, those on their leads: the ids."""
    hers = Task.objects.open().filter(Q() if units is None else Q(lead__owner_unit__in=units), user=user)
    ids = list(hers.order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(dropped_at=Now())
    return ids


def pick_up(user: User, ids: Collection[int], leads: Q) -> None:
    """Her departure is undone, as to these leads or to none."""
    Task.objects.filter(leads, pk__in=ids, user=user).update(dropped_at=None)


# --- reads ------------------------------------------------------------------------------------------------------------


def open_on(lead: Lead) -> QuerySet[Task]:
    """What is planned with a lead that she may read, the next first."""
    return Task.objects.open().filter(lead=lead).with_names().order_by("due_at", "pk")


def due_for(user: User, keyring: Keyring, until: datetime) -> QuerySet[Task]:
    """Hers that fall due until then, the longest overdue first."""
    hers = Task.objects.visible_to(user, keyring).open().filter(user=user, due_at__lt=until)
    return hers.with_names().order_by("due_at", "pk")
