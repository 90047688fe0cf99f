"""Deciding a lead's next step: by the method of its rule, among the places of a roster, or to the fallback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from crm.organization.models import User
from leads.models import Pond
from routing.models import Rotation, Rule
from routing.rotation import able, first_able, next_for_lead
from routing.services.roster import Roster, fallback_for

Method = Rule.Method
Skipped = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Step:
    """A lead of this state on its way: who had it in this pass, who had it last, and whether it was offered before."""

    rotation: Rotation
    state: str
    had_it: Sequence[int] = ()
    last: int | None = None
    again: bool = False
    but: int | None = None


@dataclass(frozen=True)
class Placement:
    """Where a lead goes next: to one, to several at once, to a pond or to nobody; how, and who was skipped for what."""

    lead_id: int
    rotation_id: int
    method: str
    pass_number: int
    skipped: Skipped = ()
    aside: str = ""
    user_id: int | None = None
    several: tuple[int, ...] = ()
    pond: Pond | None = None
    rule_id: int | None = None
    window: timedelta = timedelta()

    @property
    def on_offer(self) -> bool:
        return self.method in (Method.ROUND_ROBIN, Method.FIRST_TO_CLAIM)


def place(roster: Roster, step: Step) -> Placement:
    """The next step; choosing changes the roster's credits and rooms."""
    rule = step.rotation.rule
    method = Method(rule.method) if rule else Method.ROUND_ROBIN
    if method == Method.ROUND_ROBIN and not roster.policy.round_robin and not step.again:
        method = Method.NUMBER_ONE  # R2
    return METHODS[method](roster, step)


def _in_turn(roster: Roster, step: Step) -> Placement:
    """The next agent in turn, or the fallback once the passes are used up (R8)."""
    choice = next_for_lead(
        roster.places,
        had_it=step.had_it,
        last=step.last,
        pass_number=step.rotation.pass_number,
        passes=roster.policy.passes,
        state=step.state,
    )
    if choice.user_id is None:
        return _give_up(roster, step, choice.skipped)
    step.rotation.pass_number = choice.pass_number
    return _placed(roster, step, Method.ROUND_ROBIN, choice.skipped, user_id=choice.user_id, aside=choice.aside)


def _to_several(roster: Roster, step: Step) -> Placement:
    """All who can receive it at once, once in each pass."""
    ready, reasons = able(roster.places, step.state)
    several = tuple(one.user_id for one in ready)
    skipped = tuple((one, reason) for one, reason in reasons.items() if reason)
    number = step.rotation.pass_number + step.again
    if not several or number > roster.policy.passes:
        return _give_up(roster, step, skipped)
    step.rotation.pass_number = number
    aside = next((one.aside for one in ready if one.aside), "")
    return _placed(roster, step, Method.FIRST_TO_CLAIM, skipped, several=several, aside=aside)


def _to_number_one(roster: Roster, step: Step) -> Placement:
    """The first on the roster who can receive it, without a timer (R2)."""
    choice = first_able(roster.places, step.state)
    if choice.user_id is None:
        return _give_up(roster, step, choice.skipped)
    return _placed(roster, step, Method.NUMBER_ONE, choice.skipped, user_id=choice.user_id, aside=choice.aside)


def _to_person(roster: Roster, step: Step) -> Placement:
    """The one that the rule names, without a timer, as long as she may work the unit's leads."""
    rule = step.rotation.rule
    assert rule is not None
    user = rule.user
    assert user is not None
    if user.pk == step.but or not roster.may_assign(user.pk):
        return _give_up(roster, step, ((user.pk, "no longer a member" if user.is_active else "deactivated"),))
    return _placed(roster, step, Method.PERSON, (), user_id=user.pk)


def _to_pond(roster: Roster, step: Step) -> Placement:
    rule = step.rotation.rule
    assert rule is not None
    assert rule.pond is not None
    if rule.pond.closed_at is not None:
        return _give_up(roster, step, ())
    return _placed(roster, step, Method.POND, (), pond=rule.pond)


METHODS: dict[Method, Callable[[Roster, Step], Placement]] = {
    Method.ROUND_ROBIN: _in_turn,
    Method.FIRST_TO_CLAIM: _to_several,
    Method.NUMBER_ONE: _to_number_one,
    Method.PERSON: _to_person,
    Method.POND: _to_pond,
}


def _give_up(roster: Roster, step: Step, skipped: Skipped) -> Placement:
    """To the fallback: a lead is never with nobody as long as somebody manages the unit or one above it (R8)."""
    fallback = fallback_for(roster, step.but)
    if isinstance(fallback, User):
        return _placed(roster, step, "fallback", skipped, user_id=fallback.pk)
    return _placed(roster, step, "fallback" if fallback else "nobody", skipped, pond=fallback)


def _placed(
    roster: Roster,
    step: Step,
    method: str,
    skipped: Skipped,
    *,
    user_id: int | None = None,
    several: tuple[int, ...] = (),
    pond: Pond | None = None,
    aside: str = "",
) -> Placement:
    rotation = step.rotation
    rule = rotation.rule
    window = (rule.claim_window if rule else None) or roster.policy.claim_window
    return Placement(
        rotation.lead_id,
        rotation.pk,
        method,
        rotation.pass_number,
        skipped,
        aside,
        user_id,
        several,
        pond,
        rule.pk if rule else None,
        window,
    )
