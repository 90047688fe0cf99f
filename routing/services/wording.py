"""Rules in plain language: which leads they mean, and what becomes of them (R1); and what is wrong with them (R12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.organization.models import Unit
from leads.models import Lead, Pond
from leads.services.assigning import assignees_of
from routing.clock import in_words
from routing.models import Channel, RoutingPolicy, Rule, RuleBook
from routing.rules import covers
from routing.services.board import board_of
from routing.services.postal import postal_notes
from routing.weekly import WEEK, read_weekly

Method = Rule.Method
NEVER = "It never matches: rule {} catches all its leads before."


@dataclass(frozen=True)
class Said:
    """A rule as people read it. `above` and `below` are its neighbours' ids, where it may change places with them."""

    rule: Rule
    which: str
    way: str
    notes: list[str] = field(default_factory=list)
    above: int | None = None
    below: int | None = None


def book_said(book: RuleBook) -> list[Said]:
    """The rules in order, with what the linter notes of each."""
    rules, named = sorted(book.rules.all(), key=lambda rule: rule.position), names_of(book)
    rosters = {rule.roster_id or book.unit_id for rule in rules}
    off = set(RoutingPolicy.objects.filter(unit__in=rosters, round_robin=False).values_list("unit", flat=True))
    movable = [None, *(rule.pk for rule in rules if not rule.is_last), None]
    notes = lint(book.unit, rules)
    return [
        Said(
            rule,
            which_leads(rule, named),
            way_of(rule, in_turn=(rule.roster_id or book.unit_id) not in off),
            notes[rule.pk],
            None if rule.is_last else movable[at],
            None if rule.is_last else movable[at + 2],
        )
        for at, rule in enumerate(rules)
    ]


# --- which leads ------------------------------------------------------------------------------------------------------

Names = Mapping[int, str]  # of channels


def rule_said(rule: Rule, number: int) -> str:
    """`rule 2, Luxury`: how people count and call it."""
    return "the last rule" if rule.is_last else f"rule {number}" + (f", {rule.name}" if rule.name else "")


def names_of(book: RuleBook) -> Names:
    """What the channels of the company are called."""
    return dict(Channel.objects.filter(company=book.company_id).order_by("pk").values_list("pk", "name"))


def which_leads(rule: Rule, named: Names) -> str:
    """`Leads from Zillow or Realtor.com, priced above 500,000, in AZ`; `Buyers or renters from Zillow`."""
    if rule.is_last:
        return "All other leads"
    given = [words(rule.conditions[kind], named) for kind, words in WORDS.items() if rule.conditions.get(kind)]
    kinds = [PLURALS.get(kind) or f"{Lead.Kind(kind).label}s" for kind in rule.conditions.get("kind") or ()]
    who = _any([*kinds[:1], *(kind.lower() for kind in kinds[1:])]) if kinds else "Leads"
    return f"{who} {', '.join(given)}".strip() if given or kinds else "All leads"


def _any(words: Sequence[str]) -> str:
    return words[0] if len(words) < 2 else f"{', '.join(words[:-1])} or {words[-1]}"


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"up to {high:,}"
    return f"above {low:,}" if high is None else f"{low:,} to {high:,}"


PLURALS = {"insurance": "Insurance leads", "other": "Leads of another type"}  # of types; the others take an s
WORDS: Mapping[str, Callable[[Sequence[Any], Names], str]] = {
    "source": lambda values, _: f"from {_any(values)}",
    "channel": lambda values, named: f"by the channel {_any([named.get(one, 'that is gone') for one in values])}",
    "price": lambda values, _: f"priced {_any([_range(*value) for value in values])}",
    "state": lambda values, _: f"in {_any(values)}",
    "postal_code": lambda values, _: f"with a postal code that begins with {_any(values)}",
    "city": lambda values, _: f"in {_any(values)}",
    "tag": lambda values, _: f"tagged {_any(values)}",
    "language": lambda values, _: f"who speak {_any(values)}",
    "hours": lambda values, _: f"that come {_any([str(one) for one in read_weekly(values)])}",
}


# --- what becomes of them ---------------------------------------------------------------------------------------------


def way_of(rule: Rule, *, in_turn: bool) -> str:
    """What is done with them: `offered in turn on the roster of Lakeside, 15 minutes to claim`.

    `in_turn`: whether round robin is on for the roster; off, number one has what would be offered in turn (R2).
    """
    if rule.method == Method.ROUND_ROBIN and not in_turn:
        return f"{WAYS[Method.NUMBER_ONE](rule)}, as round robin is off"
    return WAYS[Method(rule.method)](rule) + _within(rule)


def _within(rule: Rule) -> str:
    if rule.claim_window is None or rule.method not in (Method.ROUND_ROBIN, Method.FIRST_TO_CLAIM):
        return ""
    return f", {in_words(rule.claim_window)} to claim"


def _of(rule: Rule) -> str:
    return f" of {rule.roster.name}" if rule.roster else ""


WAYS: Mapping[Method, Callable[[Rule], str]] = {
    Method.ROUND_ROBIN: lambda rule: f"offered in turn on the roster{_of(rule)}",
    Method.FIRST_TO_CLAIM: lambda rule: f"offered to everybody on the roster{_of(rule)}; the first to claim has it",
    Method.NUMBER_ONE: lambda rule: f"handed to the first on the roster{_of(rule)}, without a timer",
    Method.PERSON: lambda rule: f"assigned to {rule.user}",
    Method.POND: lambda rule: f"moved to the pond {rule.pond}",
}


# --- what is wrong with them ------------------------------------------------------------------------------------------


def lint(unit: Unit, rules: Sequence[Rule]) -> dict[int, list[str]]:
    """What a manager should know of each rule: that it never matches, or that there is nobody to have its leads."""
    found: dict[int, list[str]] = {}
    checked: dict[int, list[str]] = {}
    for at, rule in enumerate(rules):
        earlier = (number for number, one in enumerate(rules[:at], 1) if covers(one.conditions, rule.conditions))
        caught = next(earlier, None)
        roster = rule.roster or unit
        if rule.method in (Method.PERSON, Method.POND):
            lacks = _lacks_target(rule, roster)
        else:
            lacks = checked.setdefault(roster.pk, roster_notes(roster))
        postal = postal_notes(rule.conditions, unit.company.phone_region)
        found[rule.pk] = [*([NEVER.format(caught)] if caught else []), *postal, *lacks]
    return found


def _lacks_target(rule: Rule, unit: Unit) -> list[str]:
    if rule.user and not assignees_of(unit).filter(pk=rule.user.pk).exists():
        return [f"{rule.user} can no longer be assigned: its leads go to the fallback."]
    if rule.pond and rule.pond.closed_at:
        return [f"The pond {rule.pond} is closed: its leads go to the fallback."]
    return pond_notes(rule.pond)


def pond_notes(pond: Pond | None) -> list[str]:
    """That nobody could take the leads of a pond, if so."""
    if pond is None or pond.members.filter(may_claim=True, user__is_active=True).exists():
        return []
    return [f"Nobody is in the pond {pond} who may take its leads: they would wait there."]


def roster_notes(unit: Unit) -> list[str]:
    """What is wrong with a roster: nobody on it, nobody who takes leads, hours that nobody covers."""
    board = board_of(unit)
    if not board.lines:
        return [f"Nobody is on the roster of {unit.name}: its leads go to the fallback."]
    able = [line.member for line in board.lines if not line.stays_out]
    if not able:
        return [f"Nobody on the roster of {unit.name} takes leads: they go to the fallback."]
    if any(not member.hours for member in able):
        return []
    covered = {minute for member in able for one in read_weekly(member.hours) for minute in one.minutes()}
    hours = round((WEEK - len(covered)) / 60)
    return [f"For {hours} hours of the week nobody is within working hours: all are asked then."] if hours else []
