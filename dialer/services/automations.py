"""Doing what an automation says (D13), in the transaction of its cause: all of it for a lead, or none and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm.notifications.services import Message, notify
from crm.organization.models import User
from dialer.models import Automation, AutomationRun, Campaign, Disposition
from dialer.services.filters import read_saved
from dialer.services.lists import fields_of
from dialer.services.matching import matching
from leads.models import Activity, Lead, Stage, Task
from leads.services.assigning import assign_leads, units_to_work_for
from leads.services.ponding import pool_leads
from leads.services.transferring import Cause, change_owner, clear
from leads.tags import united

WHY = "automation"
LONGEST_CHAIN = 5
PERSONAL = "It is somebody’s personal lead, which only its owner gives away."
_chain: ContextVar[tuple[int, ...]] = ContextVar("automations under way", default=())
Trigger, Hand = Automation.Trigger, Automation.Hand


def disposition_given(lead: Lead, actor: User, campaign: Campaign, disposition: Disposition) -> None:
    here = Q(campaign=None) | Q(campaign=campaign)
    _set_off(lead, actor, here & Q(trigger=Trigger.DISPOSITION, disposition=disposition))


def stage_changed(lead: Lead, actor: User, stage_id: int) -> None:
    _set_off(lead, actor, Q(trigger=Trigger.STAGE, stage=stage_id))


def _set_off(lead: Lead, actor: User, what: Q) -> None:
    """Run those that this sets off. What one does may set off others, but none that is under way."""
    under_way = _chain.get()
    if len(under_way) >= LONGEST_CHAIN:
        return
    found = Automation.objects.filter(what, company=lead.company_id, active=True)
    for one in found.exclude(pk__in=under_way).select_related("to_stage", "pond", "lead_filter").order_by("pk"):
        if _concerns(one, lead):
            with _noted(one):
                _run(one, lead, actor)


@contextmanager
def _noted(one: Automation) -> Iterator[None]:
    """It is under way, and is not set off by what it does itself."""
    token = _chain.set((*_chain.get(), one.pk))
    try:
        yield
    finally:
        _chain.reset(token)


def _concerns(one: Automation, lead: Lead) -> bool:
    if one.lead_filter is None:
        return True
    asked = matching(read_saved(one.lead_filter), fields_of(lead.company_id))
    return bool(Lead.objects.filter(asked, pk=lead.pk).in_id_order().values_list("pk", flat=True))


def _run(one: Automation, lead: Lead, actor: User) -> None:
    did, left = [], ""
    try:
        with transaction.atomic():
            held = Lead.objects.select_related("stage").in_id_order().get(pk=lead.pk)
            did = [words for step in STEPS if (words := step(one, held, actor))]
    except ValidationError as error:
        did, left = [], " ".join(error.messages)
    AutomationRun.objects.create(
        company_id=lead.company_id, automation=one, lead=lead, actor=actor, did="; ".join(did)[:300], left=left[:300]
    )


# --- what there is to do: each answers what it did, in words ----------------------------------------------------------


def _hand(one: Automation, lead: Lead, actor: User) -> str:
    if not one.hand:
        return ""
    if lead.is_personal:
        raise ValidationError(PERSONAL)
    HANDS[one.hand](one, lead, actor)
    return str(one.get_hand_display())


def _own(one: Automation, lead: Lead, actor: User) -> None:
    change_owner([lead.pk], actor, Cause(actor, WHY))


def _assign(one: Automation, lead: Lead, actor: User) -> None:
    """Whoever may be assigned its leads (M1)."""
    if not actor.is_active or lead.owner_unit_id not in units_to_work_for(actor):
        raise ValidationError(f"{actor} is no member of {lead.owner}.")
    assign_leads([lead.pk], actor, actor_id=actor.pk, why=WHY)


def _clear(one: Automation, lead: Lead, actor: User) -> None:
    clear(Lead.objects.filter(pk=lead.pk).in_id_order(), Cause(actor, WHY))


def _pool(one: Automation, lead: Lead, actor: User) -> None:
    assert one.pond is not None  # automation_pond
    pool_leads([lead.pk], one.pond, actor_id=actor.pk, why=WHY)


HANDS: Mapping[str, Callable[[Automation, Lead, User], None]] = {
    Hand.OWNER: _own,
    Hand.ASSIGN: _assign,
    Hand.CLEAR: _clear,
    Hand.POND: _pool,
}


def _move(one: Automation, lead: Lead, actor: User) -> str:
    stage: Stage | None = one.to_stage
    if stage is None or lead.stage_id == stage.pk:
        return ""
    body = f"{lead.stage.name} → {stage.name}"
    Lead.objects.filter(pk=lead.pk).in_id_order().update(stage=stage)
    kind = Activity.Kind.STAGE
    Activity.objects.create(company_id=lead.company_id, lead=lead, kind=kind, body=body, automatic=True)
    stage_changed(lead, actor, stage.pk)
    return f"moved to {stage}"


def _tag(one: Automation, lead: Lead, actor: User) -> str:
    tags = united(lead.tags, [one.add_tag] if one.add_tag else [])
    if tags == lead.tags:
        return ""
    Lead.objects.filter(pk=lead.pk).in_id_order().update(tags=tags)
    return f"tagged {one.add_tag}"


def _plan(one: Automation, lead: Lead, actor: User) -> str:
    if not one.task_title:
        return ""
    due_at = timezone.now() + timedelta(days=one.task_in_days)
    Task.objects.create(
        company_id=lead.company_id,
        lead=lead,
        user=actor,
        title=one.task_title,
        due_at=due_at,
        remind_at=due_at,
        time_zone=actor.time_zone,
        created_by=actor,
    )
    return "planned a task"


def _tell(one: Automation, lead: Lead, actor: User) -> str:
    """Whoever holds it once the rest is done."""
    holder = Lead.objects.filter(pk=lead.pk).in_id_order().values_list("holder_id", flat=True).get()
    if not one.notify_holder or holder is None:
        return ""
    notify(lead.company_id, [Message(user_id=holder, kind=WHY, title=f"{{lead}}: {one.name}", lead_id=lead.pk)])
    return "told its holder"


STEPS = (_hand, _move, _tag, _plan, _tell)
