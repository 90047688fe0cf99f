"""Editing a unit's rules (R1). Changes are made to a draft, which is turned on as a whole; both are in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from crm.organization.models import Unit, User
from crm.organization.querysets import UnitQuerySet, within
from leads.services.assigning import assignees_of
from permissions.catalog import Permission
from routing.models import LAST, Rule, RuleBook
from routing.services.team import ChangedMeanwhileError, NotEligibleError, hold_unit, ponds_of, record_change

MOST_RULES = 100
State = RuleBook.State
COPIED = ("company_id", "position", "name", "conditions", "method", "roster_id", "user_id", "pond_id", "claim_window")


@dataclass(frozen=True)
class RuleValues:
    """A rule as a form gives it; `minutes` None: the unit's claim window."""

    name: str
    conditions: dict[str, list[Any]]
    method: str
    roster_id: int | None = None
    user_id: int | None = None
    pond_id: int | None = None
    minutes: int | None = None


def live_rules(unit: Unit) -> RuleBook | None:
    return RuleBook.objects.of(unit, State.LIVE)


def draft_rules(unit: Unit) -> RuleBook | None:
    return RuleBook.objects.of(unit, State.DRAFT)


def rosters_for(actor: User, unit: Unit) -> UnitQuerySet:
    """Whose roster a rule of the unit may mean: its own, and those of open units below it that she manages."""
    return Unit.objects.managed_by(actor).filter(within([unit.pk])).open()


def persons_for(actor: User, unit: Unit) -> QuerySet[User]:
    seen = User.objects.can_be_seen_by(actor)
    return assignees_of(unit).filter(pk__in=seen.values("pk")).order_by("name", "pk")


@transaction.atomic
def begin_draft(*, actor: User, unit: Unit) -> RuleBook:
    """The unit's draft: a copy of its live rules where there is none yet. Raises PermissionDenied."""
    hold_unit(actor, unit, Permission.MANAGE_ROUTING)
    draft = draft_rules(unit)
    if draft is not None:
        return draft
    draft = RuleBook.objects.create(company_id=unit.company_id, unit=unit, created_by=actor)
    live = live_rules(unit)
    rules = list(live.rules.all()) if live else [Rule(company_id=unit.company_id, position=LAST)]
    Rule.objects.bulk_create(Rule(book=draft, **{name: getattr(rule, name) for name in COPIED}) for rule in rules)
    return draft


@transaction.atomic
def save_rule(*, actor: User, unit: Unit, rule: Rule | None, values: RuleValues, version: int) -> Rule:
    """Change a rule of the draft, or add one before the last.

    Raises PermissionDenied, ChangedMeanwhileError (the draft is not `version` any more), NotEligibleError.
    """
    draft = _draft(actor, unit, version)
    _check(actor, unit, values)
    if rule is None:
        others = draft.rules.exclude(position=LAST).order_by("-position").values_list("position", flat=True)
        if len(others) >= MOST_RULES:
            raise NotEligibleError
        rule = Rule(company_id=unit.company_id, book=draft, position=others[0] + 1 if others else 1)
    rule.name, rule.conditions, rule.method = values.name, {} if rule.is_last else values.conditions, values.method
    rule.roster_id, rule.user_id, rule.pond_id = values.roster_id, values.user_id, values.pond_id
    rule.claim_window = timedelta(minutes=values.minutes) if values.minutes else None
    rule.save()
    return rule


def _check(actor: User, unit: Unit, values: RuleValues) -> None:
    """That what the rule names may still be named."""
    found = [
        not values.roster_id or rosters_for(actor, unit).filter(pk=values.roster_id).exists(),
        not values.user_id or persons_for(actor, unit).filter(pk=values.user_id).exists(),
        not values.pond_id or ponds_of(actor, unit).filter(pk=values.pond_id).exists(),
    ]
    if not all(found):
        raise NotEligibleError


@transaction.atomic
def move_rule(*, actor: User, unit: Unit, upper: int, lower: int, version: int) -> None:
    """Let the rule with the id `lower` go before `upper`. Raises PermissionDenied, ChangedMeanwhileError."""
    draft = _draft(actor, unit, version)
    pair = {rule.pk: rule for rule in draft.rules.exclude(position=LAST) if rule.pk in (upper, lower)}
    if len(pair) == 2:
        first, second = pair[upper], pair[lower]
        first.position, second.position = second.position, first.position
        Rule.objects.bulk_update([first, second], ["position"])


@transaction.atomic
def remove_rule(*, actor: User, unit: Unit, rule_id: int, version: int) -> None:
    """Take a rule out of the draft. The last one stays (R1). Raises PermissionDenied, ChangedMeanwhileError."""
    draft = _draft(actor, unit, version)
    draft.rules.exclude(position=LAST).filter(pk=rule_id).delete()


@transaction.atomic
def discard_draft(*, actor: User, unit: Unit) -> bool:
    """Throw the draft away: whether there was one. Raises PermissionDenied."""
    hold_unit(actor, unit, Permission.MANAGE_ROUTING)
    return bool(RuleBook.objects.filter(unit=unit, state=State.DRAFT).delete()[0])


@transaction.atomic
def turn_on(*, actor: User, unit: Unit, version: int) -> RuleBook:
    """Let new leads follow the draft from now on. Raises PermissionDenied, ChangedMeanwhileError."""
    draft = _draft(actor, unit, version)
    RuleBook.objects.filter(unit=unit, state=State.LIVE).update(state=State.PAST, live_until=Now())
    _number(draft)
    draft.state, draft.live_from = State.LIVE, Now()
    draft.shadowed_from, draft.shadowed_until, draft.shadow_credits = None, None, {}
    draft.save(update_fields=["state", "live_from", "shadowed_from", "shadowed_until", "shadow_credits"])
    draft.shadow_decisions.all().delete()
    record_change(actor, unit, "rules", book=draft.pk, rules=draft.rules.count())
    return draft


def _number(book: RuleBook) -> None:
    """From one on without gaps, as people count them."""
    rules = list(book.rules.exclude(position=LAST).order_by("position"))
    for number, rule in enumerate(rules, start=1):
        rule.position = number
    Rule.objects.bulk_update(rules, ["position"])


def _draft(actor: User, unit: Unit, version: int) -> RuleBook:
    """The draft, held and counted up."""
    hold_unit(actor, unit, Permission.MANAGE_ROUTING)
    draft = RuleBook.objects.filter(unit=unit, state=State.DRAFT).first()
    if draft is None or draft.version != version:
        raise ChangedMeanwhileError
    RuleBook.objects.filter(pk=draft.pk).update(version=F("version") + 1)
    draft.version += 1
    return draft
