"""What of routing sends leads into a pond, and where they go once it is closed."""

from __future__ import annotations

from django.db.models import Q

from leads.models import Pond
from leads.services.running_ponds import Use
from routing.models import RoutingPolicy, Rule, RuleBook
from routing.services.wording import rule_said

FALLBACK, COLD = "where a lead goes that nobody claims", "where cold leads go"
TO_MANAGER = "Such leads go to a manager of the unit, until another fallback is chosen."
TO_NEXT = "Cold leads go to the next agents in turn, until another pond is chosen."
TO_FALLBACK = "Its leads go to the unit’s fallback, until the rule is changed."


def ponds_used(pond: Pond) -> list[Use]:
    policies = RoutingPolicy.objects.filter(Q(fallback_pond=pond) | Q(cold_pond=pond), unit__closed_at=None)
    found = list(policies.select_related("unit").order_by("unit__name", "unit"))
    return [
        *(Use(one.unit, FALLBACK, TO_MANAGER) for one in found if one.fallback_pond_id == pond.pk),
        *(Use(one.unit, COLD, TO_NEXT) for one in found if one.cold_pond_id == pond.pk and one.cold_days),
        *_rules(pond),
    ]


def _rules(pond: Pond) -> list[Use]:
    books = RuleBook.objects.exclude(state=RuleBook.State.PAST).filter(company=pond.company_id, unit__closed_at=None)
    rows = Rule.objects.filter(pond=pond, book__in=books).select_related("book__unit")
    return [
        Use(
            rule.book.unit,
            f"{rule_said(rule, rule.position)}{'' if rule.book.state == RuleBook.State.LIVE else ' of the draft'}",
            TO_FALLBACK,
        )
        for rule in rows.order_by("book__unit__name", "book", "position")
    ]
