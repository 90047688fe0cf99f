"""Making and changing automations (D13): what of one goes together, and what of it she may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from crm.organization.models import Unit, User
from crm.organization.querysets import within
from dialer.models import Automation, AutomationCampaign, Campaign, Disposition
from dialer.services.filters import filters_for, hold_filters
from leads.models import Pond, Stage
from leads.services.tasks import MOST_AHEAD
from permissions.catalog import Permission
from routing.services.team import ChangedMeanwhileError, hold_unit, line_of, record_change

TAKEN = "There is an automation of this name already."
GONE = "This can no longer be chosen."
NOTHING = "Choose at least one thing that it does."
ONE_WAY = "Choose one of these: whose it is, a pond, or taking the Agent off."
SETTINGS = (
    *("name", "active", "trigger", "disposition", "stage", "days", "lead_filter"),
    *("new_stage", "tag", "new_owner", "clear", "pond", "task", "task_days", "told", "message"),
)
ASKS = {"disposition": "disposition", "stage": "stage", "cold": "days"}
DOES = ("new_stage", "tag", "new_owner", "clear", "pond", "task", "told")


@dataclass(frozen=True)
class AutomationValues:
    """An automation as a form gives it: `settings` by the names of SETTINGS, and the campaigns (ids) it is about."""

    settings: Mapping[str, Any]
    campaigns: frozenset[int]

    @classmethod
    def of(cls, automation: Automation) -> AutomationValues:
        campaigns = automation.campaigns.order_by("pk").values_list("pk", flat=True)
        return cls({name: getattr(automation, name) for name in SETTINGS}, frozenset(campaigns))

    def plain(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        rows = {name: getattr(value, "pk", value) for name, value in self.settings.items()}
        return rows | {"campaigns": sorted(self.campaigns)}


def choices_for(actor: User, unit: Unit, known: Automation | None) -> dict[str, QuerySet[Any]]:
    """What may be chosen by a field's name; what is chosen stays to be chosen."""
    kept = {name: getattr(known, f"{name}_id", None) for name in ("disposition", "stage", "new_stage", "pond")}
    company = {"company": unit.company_id}
    dispositions = Disposition.objects.filter(Q(archived=False) | Q(pk=kept["disposition"]), **company)
    ponds = Pond.objects.can_be_seen_by(actor).filter(unit__in=line_of(unit)).values("pk")
    stages = Stage.objects.filter(**company).order_by("position", "pk")
    named = known.campaigns.values("pk") if known else []
    below = Campaign.objects.managed_by(actor).filter(within([unit.pk], "unit__")).values("pk")
    return {
        "disposition": dispositions.order_by("position", "name", "pk"),
        "stage": stages,
        "new_stage": stages,
        "pond": Pond.objects.filter(Q(pk__in=ponds) | Q(pk=kept["pond"]), **company).order_by("name", "pk"),
        "lead_filter": filters_for(actor, unit, known.lead_filter_id if known else None),
        "campaigns": Campaign.objects.filter(Q(pk__in=below) | Q(pk__in=named), **company).order_by("name", "pk"),
    }


def refusals(settings: Mapping[str, Any]) -> dict[str, str]:
    """Why these settings are refused, by field; what its trigger does not ask for is left out by `settled`."""
    asked = ASKS.get(settings["trigger"])
    wrong = {asked: "Say which."} if asked and not settings[asked] else {}
    if settings["trigger"] == "cold" and (settings["days"] or 0) > MOST_AHEAD.days:
        wrong["days"] = "Ten years at most."
    if settings["trigger"] == "cold" and settings["new_owner"] in ("submitter", "assigned"):
        wrong["new_owner"] = "Nobody did it where nothing has happened. Choose the assigned Agent, or a pond."
    if not any(settings[name] for name in DOES):
        wrong["new_stage"] = NOTHING
    if sum(bool(settings[name]) for name in ("new_owner", "clear", "pond")) > 1:
        wrong["new_owner"] = ONE_WAY
    if settings["task"] and settings["task_days"] is None:
        wrong["task_days"] = "Say in how many days it is due."
    elif settings["task"] and settings["task_days"] > MOST_AHEAD.days:
        wrong["task_days"] = "A task is due in ten years at most."
    if settings["told"] and not settings["message"]:
        wrong["message"] = "Say what they are told."
    if settings["trigger"] == "stage" and settings["stage"] and settings["stage"] == settings["new_stage"]:
        wrong["new_stage"] = "It is in that stage already, then."
    return wrong


def settled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without what its trigger does not ask for, days of no task and words for nobody."""
    asked = ASKS.get(settings["trigger"])
    kept = {name: settings[name] if name == asked else None for name in ASKS.values()}
    kept["task_days"] = settings["task_days"] if settings["task"] else None
    return {**settings, **kept, "message": settings["message"] if settings["told"] else ""}


@transaction.atomic
def save_automation(
    *, actor: User, unit: Unit, automation: Automation | None, values: AutomationValues, version: int
) -> Automation:
    """Make one, or change it where it still is `version`. Whoever saves it lends it her rights.

    Raises PermissionDenied, ChangedMeanwhileError, ValidationError by field.
    """
    hold_unit(actor, unit, Permission.MANAGE_CAMPAIGN)
    known = _held(automation, version) if automation else None
    values = AutomationValues(settled(values.settings), values.campaigns)
    _check(actor, unit, known, values)
    before = AutomationValues.of(known).plain() if known else {}
    if known and before == values.plain() and known.author_id == actor.pk:
        return known
    saved = known or Automation(company_id=unit.company_id, unit=unit, version=0)
    for name, value in values.settings.items():
        setattr(saved, name, value)
    saved.author, saved.version = actor, saved.version + 1
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        raise ValidationError({"name": TAKEN}) from error
    _write_campaigns(saved, values.campaigns)
    after = values.plain()
    changed = sorted({name for name in after if before.get(name) != after[name]} | {"name"})
    then, now = ({name: rows.get(name) for name in changed} for rows in (before, after))
    record_change(actor, unit, "automation", automation=saved.pk, before=then, after=now)
    return saved


def _held(automation: Automation, version: int) -> Automation:
    held = Automation.objects.select_for_update(of=("self",), no_key=True).filter(pk=automation.pk).first()
    if held is None or held.version != version:
        raise ChangedMeanwhileError
    return held


def _check(actor: User, unit: Unit, known: Automation | None, values: AutomationValues) -> None:
    wrong = refusals(values.settings)
    hold_filters(values.settings["lead_filter"])
    may = choices_for(actor, unit, known)
    for name in ("disposition", "stage", "new_stage", "pond", "lead_filter"):
        one = values.settings[name]
        if one is not None and not may[name].filter(pk=one.pk).exists():
            wrong[name] = GONE
    if may["campaigns"].filter(pk__in=values.campaigns).count() != len(values.campaigns):
        wrong["campaigns"] = GONE
    if wrong:
        raise ValidationError(wrong)


def _write_campaigns(saved: Automation, campaigns: frozenset[int]) -> None:
    there = AutomationCampaign.objects.filter(automation=saved)
    there.exclude(campaign__in=campaigns).delete()
    owned = {"company_id": saved.company_id, "automation": saved}
    AutomationCampaign.objects.bulk_create(
        [AutomationCampaign(campaign_id=pk, **owned) for pk in sorted(campaigns)], ignore_conflicts=True
    )
