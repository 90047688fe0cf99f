"""Making, changing and deleting lead filters (D3), and counting what they match for whoever looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from psycopg.errors import QueryCanceled

from crm.core.pagination import capped_count
from crm.organization.models import Unit, User
from dialer.filtering import Fields, Filter, FilterError, Place, read, say, written
from dialer.models import AgentSkill, Campaign, LeadFilter
from dialer.querysets import OfUnitQuerySet
from dialer.services.lists import Lists, fields_of
from dialer.services.matching import matching
from leads.models import Lead
from permissions.access import Keyring, Level
from permissions.catalog import Permission
from routing.services.team import ChangedMeanwhileError, hold_unit, line_of, record_change

TAKEN = "There is a lead filter of this name already."
PATIENCE = 2000  # milliseconds for the count beside a filter that is being edited


class TooLongError(Exception):
    """To count would take longer than anybody waits who edits."""


class InUseError(Exception):
    """A filter that is used somewhere stays."""


@dataclass(frozen=True)
class Uses:
    """Where a filter is used: names of campaigns, of automations, of people, and how many people more she cannot see."""

    campaigns: list[str]
    automations: list[str]
    people: list[str]
    others: int = 0

    def __bool__(self) -> bool:
        return bool(self.campaigns or self.automations or self.people or self.others)

    def __str__(self) -> str:
        """`in the campaign West, and as the skills of Ana and 2 others`."""
        others = [f"{self.others} other{'s' if self.others > 1 else ''}"] if self.others else []
        where = "in campaigns" if self.campaigns[1:] else "in the campaign"
        automations = "in automations" if self.automations[1:] else "in the automation"
        parts = [
            (where, self.campaigns),
            (automations, self.automations),
            ("as the skills of", [*self.people, *others]),
        ]
        return ", and ".join(f"{words} {_and(names)}" for words, names in parts if names)


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def read_saved(lead_filter: LeadFilter) -> Filter:
    return read_if_possible(lead_filter.sets, fields_of(lead_filter.company_id))


def read_if_possible(sets: object, fields: Fields) -> Filter:
    """What was saved says. A field that was deleted since makes it match nothing: an empty filter."""
    try:
        return read(sets, fields)
    except FilterError:
        return ()


def said(lists: Lists, filters: list[LeadFilter]) -> dict[int, list[str]]:
    """Each filter in plain words, a sentence for each of its sets; by id."""
    found: dict[int, Filter] = {}
    for one in filters:
        try:
            found[one.pk] = read(one.sets, lists.fields)
        except FilterError:
            found[one.pk] = ()
    lists.learn(found.values())
    return {pk: say(one, lists.fields, lists.called) for pk, one in found.items()}


@transaction.atomic
def count(keyring: Keyring, lists: Lists, found: Filter) -> str:
    """How many of the leads she may read match: `3,412`, or `10,000+`. Raises TooLongError after PATIENCE: few of very many
    are found no sooner than all are looked at.

    Only those she may read: by a redacted one's absence or presence what it conceals could be told (V5).
    """
    rows = Lead.objects.visible_to(keyring, Level.VIEW).filter(matching(found, lists.fields))
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE}")
        try:
            with transaction.atomic():
                number, more = capped_count(rows)
        except OperationalError as error:
            if isinstance(error.__cause__, QueryCanceled):
                raise TooLongError from error
            raise
        finally:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    return f"{number:,}{'+' if more else ''}"


def uses_of(actor: User, lead_filter: LeadFilter) -> Uses:
    campaigns = Campaign.objects.filter(Q(lead_filter=lead_filter) | Q(default_skill=lead_filter)).order_by(
        "name", "pk"
    )
    skilled = AgentSkill.objects.filter(lead_filter=lead_filter)
    seen = skilled.filter(user__in=User.objects.can_be_seen_by(actor).values("pk"))
    names = list(seen.order_by("user__name", "pk").values_list("user__name", flat=True))
    automations = lead_filter.automations.order_by("name", "pk").values_list("name", flat=True)
    return Uses(list(campaigns.values_list("name", flat=True)), list(automations), names, skilled.count() - len(names))


def filters_for(actor: User, unit: Unit, *current: int | None) -> OfUnitQuerySet[LeadFilter]:
    """Those a campaign of the unit may use: of it and of units above it; `current` ones may stay."""
    line = LeadFilter.objects.can_be_chosen_by(actor).filter(unit__in=line_of(unit)).values("pk")
    kept = Q(pk__in=[pk for pk in current if pk])
    return LeadFilter.objects.of(actor).filter(Q(pk__in=line) | kept).order_by("name", "pk")


def hold_filters(*filters: LeadFilter | None) -> None:
    """Until what is to use them is written down none of them is deleted. Look after this whether they are there."""
    wanted = {one.pk for one in filters if one is not None}
    held = LeadFilter.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=wanted)
    list(held.order_by("pk").values_list("pk"))


@transaction.atomic
def save_filter(
    *, lists: Lists, unit: Unit, lead_filter: LeadFilter | None, name: str, found: Filter, version: int
) -> LeadFilter:
    """Make one, or change it where it still is `version`.

    Raises PermissionDenied, ChangedMeanwhileError, FilterError (it names what she may not choose), ValidationError (name).
    """
    actor = lists.actor
    hold_unit(actor, unit, Permission.MANAGE_CAMPAIGN)
    known = _held(lead_filter, version) if lead_filter else None
    _check(lists, found, read_saved(known) if known else ())
    before = {"name": known.name, "sets": known.sets} if known else None
    after: dict[str, Any] = {"name": name, "sets": written(found)}
    if before == after and known:
        return known
    saved = known or LeadFilter(company_id=unit.company_id, unit=unit, version=0)
    saved.name, saved.sets, saved.version = name, after["sets"], saved.version + 1
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        raise ValidationError({"name": TAKEN}) from error
    record_change(actor, unit, "lead filter", filter=saved.pk, before=before, after=after)
    return saved


def _held(lead_filter: LeadFilter, version: int) -> LeadFilter:
    held = LeadFilter.objects.select_for_update(of=("self",), no_key=True).filter(pk=lead_filter.pk).first()
    if held is None or held.version != version:
        raise ChangedMeanwhileError
    return held


def _check(lists: Lists, found: Filter, before: Filter) -> None:
    """What it names must be hers to choose, or have been in it before, whoever chose it."""
    stays = {item for one in before for group in one for item in group}
    problems: dict[Place, str] = {
        (s, g, i): "This can no longer be chosen."
        for s, one in enumerate(found)
        for g, group in enumerate(one)
        for i, item in enumerate(group)
        if item not in stays and not lists.may_choose(item)
    }
    if problems:
        raise FilterError(problems)


@transaction.atomic
def delete_filter(*, actor: User, lead_filter: LeadFilter) -> None:
    """Raises PermissionDenied, InUseError."""
    hold_unit(actor, lead_filter.unit, Permission.MANAGE_CAMPAIGN)
    held = LeadFilter.objects.select_for_update(of=("self",)).filter(pk=lead_filter.pk).first()
    if held is None:
        return
    if uses_of(actor, held):
        raise InUseError
    record_change(actor, lead_filter.unit, "lead filter", filter=held.pk, before={"name": held.name}, after=None)
    held.delete()
