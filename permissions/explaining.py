"""Why a person can, or cannot, see a lead (V6): the engine of `access` answers, and is asked again "what if". Pure.

Each rule of V2 is a row of conditions. Whether a rule applies, and what a change would give, is always the answer of
`Keyring.access`; the conditions only say in words which of them failed, and how it could be made to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from permissions.access import Access, Level, Privacy, Reason
from permissions.supposing import (
    Facts,
    assign,
    belongs_to_pond,
    is_open_by,
    join,
    join_pond,
    manage_unit,
    manages_unit,
    open_by,
    own,
    reach_owner,
    reaches_owner,
    set_policy,
    show_to_team,
    with_company,
    with_lead,
    with_standing,
)
from permissions.verbs import Verb, why_not


@dataclass(frozen=True)
class Condition:
    """One condition of a rule: what to say where it fails, and the change that makes it hold; nothing does without one."""

    fails: str
    holds: Callable[[Facts], bool]
    remedy: str = ""
    repair: Callable[[Facts], Facts] | None = None


@dataclass(frozen=True)
class Rule:
    """A row of V2's table. `further` rows ask for more than the same reason already gives, such as `at_least` manage."""

    reason: Reason
    title: str
    because: str
    conditions: tuple[Condition, ...]
    at_least: Level = Level.REDACTED
    further: bool = False


@dataclass(frozen=True)
class Failed:
    """A rule that does not apply, why, and what would make it apply: `level` is hers then, `none` where nothing helps."""

    reason: Reason
    title: str
    fails: tuple[str, ...]
    remedies: tuple[str, ...] = ()
    level: Level = Level.NONE


@dataclass(frozen=True)
class Explanation:
    """`because`: each reason as the level it gives and a sentence. `asleep`: what her account, deactivated, would see."""

    access: Access
    because: tuple[tuple[Level, str], ...] = ()
    failed: tuple[Failed, ...] = ()
    asleep: Level | None = None


def verbs_explained(facts: Facts) -> list[tuple[Verb, str]]:
    """What she may do with the lead, and in a sentence why not; nothing where she may not read it."""
    keyring = facts.keyring()
    if facts.access().level < Level.VIEW:
        return []
    return [(verb, why_not(keyring, facts.lead, verb)) for verb in Verb]


def explain(facts: Facts) -> Explanation:
    access = facts.access()
    if not facts.active:
        return Explanation(access, asleep=replace(facts, active=True).access().level)
    sentences = {rule.reason: facts.say(rule.because) for rule in RULES if not rule.further}
    because = tuple((key.level, sentences[key.reason]) for key in access.reasons)
    failed = (_failed(facts, rule, access.level) for rule in RULES if _is_missed(rule, access))
    return Explanation(access, because, tuple(failed))


def _is_missed(rule: Rule, access: Access) -> bool:
    given = max((key.level for key in access.reasons if key.reason == rule.reason), default=Level.NONE)
    return given < rule.at_least and (given > Level.NONE or not rule.further)


def _failed(facts: Facts, rule: Rule, level: Level) -> Failed:
    """Where a condition that nothing changes fails, that alone is said: the others do not matter then."""
    failing = [condition for condition in rule.conditions if not condition.holds(facts)]
    failing = next(([one] for one in failing if one.repair is None), failing)
    reached = remedied(facts, failing).access().level
    remedies = tuple(facts.say(one.remedy) for one in failing if one.repair) if reached > level else ()
    fails = tuple(facts.say(one.fails) for one in failing)
    return Failed(rule.reason, rule.title, fails, remedies, reached if remedies else Level.NONE)


def remedied(facts: Facts, failing: Iterable[Condition]) -> Facts:
    """The same facts after the changes that these conditions ask for."""
    for condition in failing:
        facts = condition.repair(facts) if condition.repair else facts
    return facts


# --- the rules of V2 --------------------------------------------------------------------------------------------------

OF_A_UNIT = Condition("It is a personal lead of {owner}.", lambda facts: facts.lead.owner_unit_id is not None)
PERSONAL = Condition(
    "It belongs to {owner}: it is no personal lead.", lambda facts: facts.lead.owner_user_id is not None
)
ANOTHERS = Condition("{person} owns it.", lambda facts: facts.lead.owner_user_id != facts.standing.user_id)
MANAGES_OWNER = Condition(
    "{person} does not manage {owner}.",
    reaches_owner,
    "Make {owner} a member of a unit that {person} manages",
    reach_owner,
)
POLICY_SHOWS = Condition(
    "The company’s policy of today keeps personal leads private.",
    lambda facts: facts.standing.policy >= Privacy.VISIBLE,
    "Set the policy on personal leads to visible",
    set_policy(Privacy.VISIBLE),
)
POLICY_MANAGES = Condition(
    "The company’s policy of today lets managers look at personal leads, not act on them.",
    lambda facts: facts.standing.policy == Privacy.MANAGED,
    "Set the policy on personal leads to managed",
    set_policy(Privacy.MANAGED),
)
REMEMBERS_SHOWN = Condition(
    "It became personal under the policy private, and remembers that: a looser policy will not show it.",
    lambda facts: (facts.lead.privacy or Privacy.PRIVATE) >= Privacy.VISIBLE,
)
REMEMBERS_MANAGED = Condition(
    "It became personal when managers could look at such leads, not act on them, and remembers that: "
    "the policy managed will not change it.",
    lambda facts: facts.lead.privacy == Privacy.MANAGED,
)
OPEN_TO_TEAM = Condition(
    "{owner} keeps private and hidden from managers of teams and offices.",
    lambda facts: facts.standing.company is not None or not facts.owner_hides,
    "{owner} turns off “private and hide from team”",
    show_to_team,
)
SHOWN = Condition(
    "{owner} keeps it hidden.",
    lambda facts: not facts.lead.hidden,
    "{owner} shows it to her managers",
    lambda facts: with_lead(facts, hidden=False),
)
HIDDEN = Condition("It is not hidden.", lambda facts: facts.lead.hidden)
UPWARD = Condition(
    "{owner} manages above {person}, and nobody manages upward.",
    lambda facts: reaches_owner(facts) or not facts.owner_above,
)
REACHED = (UPWARD, MANAGES_OWNER, POLICY_SHOWS, OPEN_TO_TEAM)

RULES = (
    Rule(
        Reason.OWNER,
        "Owning it",
        "{person} owns it.",
        (
            Condition(
                "{owner} owns it.",
                lambda facts: facts.lead.owner_user_id == facts.standing.user_id,
                "Make {person} its owner",
                own,
            ),
        ),
    ),
    Rule(
        Reason.MANAGES_OWNER_UNIT,
        "Managing the unit that owns it",
        "{person} manages {owner}, which owns it.",
        (
            OF_A_UNIT,
            Condition(
                "{person} does not manage {owner}.",
                lambda facts: manages_unit(facts, facts.lead.owner_unit_id),
                "Make {person} an admin of {owner}",
                lambda facts: manage_unit(facts, facts.lead.owner_unit_id),
            ),
        ),
    ),
    Rule(
        Reason.ASSIGNED,
        "Being assigned to it",
        "{person} is assigned to it.",
        (
            Condition(
                "{person} is in none of its slots.",
                lambda facts: facts.standing.user_id in facts.assigned,
                "Assign it to {person}",
                assign,
            ),
        ),
    ),
    Rule(
        Reason.OFFERED,
        "Being offered it now",
        "It is offered to {person} now, or reserved for {person} in the dialer.",
        (
            Condition(
                "It is a personal lead of {owner}: only leads of units are offered.",
                lambda facts: facts.lead.owner_unit_id is not None or is_open_by(facts, Reason.OFFERED),
            ),
            Condition(
                "It is not offered to {person} now.",
                lambda facts: is_open_by(facts, Reason.OFFERED),
                "The rotation of {owner} offers it to {person}",
                open_by(Reason.OFFERED),
            ),
        ),
    ),
    Rule(
        Reason.IN_POND,
        "Belonging to its pond",
        "{person} belongs to {pond}, which it is in.",
        (
            Condition("It is in no pond.", lambda facts: facts.pond is not None),
            Condition(
                "{person} does not belong to {pond}, which it is in.",
                belongs_to_pond,
                "Let {person} claim from {pond}",
                join_pond,
            ),
        ),
    ),
    Rule(
        Reason.IN_POND,
        "Claiming from its pond",
        "{person} belongs to {pond}, which it is in.",
        (
            Condition(
                "{person} may look into {pond}, which it is in, not claim from it.",
                lambda facts: facts.pond in facts.standing.ponds,
                "Let {person} claim from {pond}",
                join_pond,
            ),
        ),
        at_least=Level.WORK,
        further=True,
    ),
    Rule(
        Reason.SHARED,
        "A share",
        "It was shared with {person}.",
        (
            Condition(
                "It is not shared with {person} now.",
                lambda facts: is_open_by(facts, Reason.SHARED),
                "Share it with {person}, to work it",
                open_by(Reason.SHARED),
            ),
        ),
    ),
    Rule(
        Reason.MEMBER_OF_OWNER_UNIT,
        "Being a member of the unit that owns it",
        "{person} is a member of {owner}, which owns it, and has a profile that shows the leads of her units.",
        (
            OF_A_UNIT,
            Condition(
                "{person} is not a direct member of {owner}.",
                lambda facts: facts.lead.owner_unit_id in facts.standing.joined_units,
                "Make {person} a member of {owner}",
                join,
            ),
            Condition(
                "The profile of {person} does not include viewing unit leads.",
                lambda facts: facts.standing.view_unit_lead,
                "Let the profile of {person} view unit leads",
                lambda facts: with_standing(facts, view_unit_lead=True),
            ),
        ),
    ),
    Rule(
        Reason.MANAGES_OWNER,
        "Managing the person who owns it",
        "{person} manages {owner}, who owns it.",
        (PERSONAL, ANOTHERS, REMEMBERS_SHOWN, *REACHED, SHOWN),
    ),
    Rule(
        Reason.MANAGES_OWNER,
        "Acting on the leads of people one manages",
        "{person} manages {owner}, who owns it.",
        (REMEMBERS_MANAGED, POLICY_MANAGES),
        at_least=Level.MANAGE,
        further=True,
    ),
    Rule(
        Reason.MANAGES_OWNER_HIDDEN,
        "Managing the person who keeps it hidden",
        "{person} manages {owner}, who owns it and keeps it hidden.",
        (PERSONAL, ANOTHERS, HIDDEN, REMEMBERS_SHOWN, *REACHED),
    ),
    Rule(
        Reason.ORIGINATED,
        "Managing the unit that generated it",
        "{person} manages {origin}, which generated it, and has a profile that shows such leads.",
        (
            PERSONAL,
            Condition("{owner} brought it: no unit generated it.", lambda facts: facts.lead.origin_unit_id is not None),
            Condition(
                "{person} does not manage {origin}, which generated it.",
                lambda facts: manages_unit(facts, facts.lead.origin_unit_id),
                "Make {person} an admin of {origin}",
                lambda facts: manage_unit(facts, facts.lead.origin_unit_id),
            ),
            Condition(
                "The profile of {person} does not include viewing leads that her units generated.",
                lambda facts: facts.standing.view_originated_lead,
                "Let the profile of {person} view leads that her units generated",
                lambda facts: with_company(with_standing(facts, view_originated_lead=True), originated=True),
            ),
        ),
    ),
)
