"""Making and changing campaigns (D1), within what their settings allow (D2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from dialer.campaigns import Settings, refusals
from dialer.models import Campaign, CampaignAgent, CampaignDisposition, CampaignLead, Disposition
from dialer.services.filters import filters_for, hold_filters, read_saved
from dialer.services.lists import fields_of
from dialer.services.matching import NOTHING, Moment, matching
from leads.messaging.fields import problem_of
from permissions.catalog import Permission
from routing.services.rules import persons_for
from routing.services.team import ChangedMeanwhileError, hold_unit, record_change

TAKEN = "There is a campaign of this name already."
GONE = "This can no longer be chosen."
SETTINGS = (
    *("name", "active", "scope", "lead_filter", "kind", "dial_method", "enforce_lead_ownership", "agent_skills"),
    *("default_skill", "hopper_level", "order", "preview_seconds", "may_skip", "reinsert_skipped"),
    *("secondary_priority", "attempt_limit", "opens", "closes", "open_to_members", "script"),
)


@dataclass(frozen=True)
class CampaignValues:
    """A campaign as a form gives it: `settings` by the names of SETTINGS, the people named, dispositions → minutes."""

    settings: Mapping[str, Any]
    agents: frozenset[int]
    dispositions: Mapping[int, int | None]

    @classmethod
    def of(cls, campaign: Campaign) -> CampaignValues:
        return cls(
            {name: getattr(campaign, name) for name in SETTINGS},
            frozenset(campaign.agents.order_by("pk").values_list("user", flat=True)),
            dict(campaign.dispositions.order_by("pk").values_list("disposition", "recycle_after")),
        )

    def plain(self) -> dict[str, Any]:
        """As the ledger keeps it: ids, and of the script only how long it is."""
        rows = {name: getattr(value, "pk", value) for name, value in self.settings.items()}
        rows |= {name: str(rows[name])[:5] for name in ("opens", "closes") if rows[name] is not None}
        delays = {str(pk): minutes for pk, minutes in sorted(self.dispositions.items())}
        return rows | {"script": len(rows["script"]), "agents": sorted(self.agents), "dispositions": delays}


def people_for(actor: User, unit: Unit, campaign: Campaign | None) -> QuerySet[User]:
    """Who may be named for a campaign of the unit; those who are may stay."""
    named = CampaignAgent.objects.filter(campaign=campaign).values("user") if campaign else []
    found = persons_for(actor, unit).values("pk")
    people: QuerySet[User] = User.objects.of(actor).active().filter(Q(pk__in=found) | Q(pk__in=named))
    return people.order_by("name", "pk")


def has_members(unit: Unit) -> bool:
    """Whether anybody is a member of the unit, or of one below it: who may join its campaigns that are open to members."""
    current = Membership.objects.current().filter(within([unit.pk], "unit__"), user__is_active=True)
    return bool(current.exists())


def dispositions_for(company_id: int, campaign: Campaign | None) -> list[Disposition]:
    """Those in use, and those that the campaign has had from before they were archived."""
    found = list(Disposition.objects.in_use(company_id))
    kept = Disposition.objects.filter(company=company_id, archived=True, campaigns__campaign=campaign)
    return [*found, *(kept.order_by("name", "pk") if campaign else ())]


def checked(actor: User, unit: Unit, settings: Mapping[str, Any], agents: Collection[int]) -> dict[str, str]:
    """Why these settings, with these people named, are refused, by field (D2)."""
    lead_filters = filters_for(actor, unit)
    asked = Settings(
        kind=settings["kind"],
        dial_method=settings["dial_method"],
        enforce_lead_ownership=settings["enforce_lead_ownership"],
        agent_skills=settings["agent_skills"],
        has_default_skill=settings["default_skill"] is not None,
        may_skill=lead_filters.exists(),
        hopper_level=settings["hopper_level"],
        secondary_priority=settings["secondary_priority"],
        opens=settings["opens"],
        closes=settings["closes"],
        active=settings["active"],
        may_join=settings["open_to_members"] or bool(agents),
    )
    script = problem_of(settings["script"])
    return refusals(asked) | ({"script": script} if script else {})


@transaction.atomic
def save_campaign(
    *, actor: User, unit: Unit, campaign: Campaign | None, values: CampaignValues, version: int
) -> Campaign:
    """Make one, or change it where it still is `version`.

    Raises PermissionDenied, ChangedMeanwhileError, ValidationError by field.
    """
    hold_unit(actor, unit, Permission.MANAGE_CAMPAIGN)
    known = _held(campaign, version) if campaign else None
    before = CampaignValues.of(known).plain() if known else {}
    if known and before == values.plain() and known.script == values.settings["script"]:
        return known
    _check(actor, unit, known, values)
    saved = known or Campaign(company_id=unit.company_id, unit=unit, version=0)
    for name, value in values.settings.items():
        setattr(saved, name, value)
    saved.version += 1
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        raise ValidationError({"name": TAKEN}) from error
    _write_children(saved, values)
    _record(actor, saved, before, values.plain())
    return saved


def _held(campaign: Campaign, version: int) -> Campaign:
    rows = Campaign.objects.select_for_update(of=("self",), no_key=True)
    held: Campaign | None = rows.filter(pk=campaign.pk).first()
    if held is None or held.version != version:
        raise ChangedMeanwhileError
    return held


def _check(actor: User, unit: Unit, known: Campaign | None, values: CampaignValues) -> None:
    wrong: dict[str, str] = checked(actor, unit, values.settings, values.agents)
    hold_filters(values.settings["lead_filter"], values.settings["default_skill"])
    for name in ("lead_filter", "default_skill"):
        one, was = values.settings[name], getattr(known, name, None)
        if one and one != was and not filters_for(actor, unit).filter(pk=one.pk).exists():
            wrong[name] = GONE
    people = set(people_for(actor, unit, known).filter(pk__in=values.agents).values_list("pk", flat=True))
    if people != values.agents:
        wrong["agents"] = GONE
    if not set(values.dispositions) <= {one.pk for one in dispositions_for(unit.company_id, known)}:
        wrong["dispositions"] = GONE
    if wrong:
        raise ValidationError(wrong)


def _write_children(saved: Campaign, values: CampaignValues) -> None:
    owned = {"company_id": saved.company_id, "campaign": saved}
    saved.agents.exclude(user__in=values.agents).delete()
    CampaignAgent.objects.bulk_create(
        [CampaignAgent(user_id=pk, **owned) for pk in sorted(values.agents)], ignore_conflicts=True
    )
    saved.dispositions.all().delete()
    CampaignDisposition.objects.bulk_create(
        CampaignDisposition(disposition_id=pk, recycle_after=minutes, **owned)
        for pk, minutes in sorted(values.dispositions.items())
    )


def _record(actor: User, saved: Campaign, before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = sorted({name for name in after if before.get(name) != after[name]} | {"name"})
    then, now = ({name: rows.get(name) for name in changed} for rows in (before, after))
    record_change(actor, saved.unit, "campaign", campaign=saved.pk, before=then, after=now)


# --- which leads ------------------------------------------------------------------------------------------------------


def leads_of(campaign: Campaign, now: Moment | None = None) -> Q:
    """The condition over Lead that it is one of the campaign's (D1): whose leads, and which of them."""
    asked = scope_of(campaign)
    return asked if campaign.lead_filter is None else asked & filter_of(campaign, now)


def filter_of(campaign: Campaign, now: Moment | None = None) -> Q:
    """The condition over Lead that it fits the campaign's filter, or was added to it."""
    assert campaign.lead_filter is not None
    return matching(read_saved(campaign.lead_filter), fields_of(campaign.company_id), now) | _added_to(campaign)


def scope_of(campaign: Campaign) -> Q:
    """The condition over Lead that it is of those whose leads the campaign calls, or was added to it."""
    return _owned_within(campaign) | _added_to(campaign)


def _added_to(campaign: Campaign) -> Q:
    return Q(pk__in=added(campaign).values("lead")) if campaign.has_added else NOTHING


def added(campaign: Campaign) -> QuerySet[CampaignLead]:
    """What was added to it (M4)."""
    return CampaignLead.objects.filter(campaign=campaign, added_at__isnull=False).order_by()


def _owned_within(campaign: Campaign) -> Q:
    if campaign.scope == Campaign.Scope.UNIT:
        return Q(owner_unit=campaign.unit_id)
    units = Unit.objects.filter(within([campaign.unit_id])).values("pk")
    below = Q(owner_unit__in=units)
    if campaign.scope == Campaign.Scope.BELOW:
        return below
    members = Membership.objects.current().filter(unit__in=units, user__is_active=True)
    return below | Q(owner_user__in=members.values("user"))
