"""What managers type about a roster and its policy. A form remembers what it showed, so that nobody's change is undone
by somebody who did not see it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from crm.organization.models import Unit, User
from routing.fields import Row, StatesField, WeeklyField
from routing.models import RosterMember
from routing.services.cold import ColdValues, save_cold
from routing.services.team import (
    ChangedMeanwhileError,
    NotEligibleError,
    PlaceValues,
    PolicyValues,
    fallback_candidates,
    policy_of,
    ponds_of,
    save_place,
    save_policy,
)
from routing.weekly import WEEK, read_weekly

LEAST_OPEN = 12 * 60  # minutes a week in which clocks run, so that every offer comes to its end
MEANWHILE = "Somebody changed this while you had it open. What you typed is kept; save again to replace theirs: {}."


class SeenForm(forms.Form):
    """Carries the values it showed as `seen`."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def read_seen(self) -> Sequence[Any]:
        try:
            values = json.loads(self.cleaned_data.get("seen") or "null")
        except ValueError:
            return ()
        return values if isinstance(values, list) else ()

    def changed_meanwhile(self, now: PolicyValues | PlaceValues | ColdValues, words: str) -> None:
        """Refuse this once: the next sending has seen what stands now."""
        given = QueryDict(mutable=True)
        given.update(self.data)
        given["seen"] = json.dumps(astuple(now))
        self.data = given
        self.add_error(None, MEANWHILE.format(words))


class PolicyForm(SeenForm):
    round_robin = forms.BooleanField(
        required=False,
        label="Round robin",
        help_text="New leads are offered in turn. Off: number one on the roster gets them all, without a timer.",
    )
    minutes = forms.IntegerField(min_value=1, max_value=1440, label="Minutes to claim", help_text="1 to 1440.")
    passes = forms.IntegerField(
        min_value=1, max_value=10, label="Passes", help_text="Rounds through the roster before the fallback, 1 to 10."
    )
    fallback = forms.ChoiceField(
        required=False,
        label="When nobody claims",
        help_text="Where a lead goes that ran through all passes, or that nobody on the roster can take.",
        error_messages={"invalid_choice": "Choose an active member of this unit or of one above it, or a pond."},
    )
    pauses = WeeklyField(
        label="Pauses",
        help_text="The unit’s own time. Leads are still offered, and no offer runs out: its clock waits for the end.",
    )

    def __init__(self, data: Any = None, *, actor: User, unit: Unit) -> None:
        self.actor, self.unit = actor, unit
        shown = PolicyValues.of(policy_of(unit))
        initial = {
            "round_robin": shown.round_robin,
            "minutes": shown.minutes,
            "passes": shown.passes,
            "fallback": chosen(shown),
            "pauses": json.loads(shown.pauses),
            "seen": json.dumps(astuple(shown)),
        }
        super().__init__(data, initial=initial)
        people = [(f"person-{one.pk}", one.name) for one in fallback_candidates(actor, unit)]
        ponds = [(f"pond-{one.pk}", one.name) for one in ponds_of(actor, unit).order_by("name", "pk")]
        choices = [("", "A manager of the unit"), ("People", people), ("Ponds", ponds)]
        self.fields["fallback"].choices = [choice for choice in choices if choice[1]]  # type: ignore[attr-defined]

    def clean_pauses(self) -> list[Row]:
        rows: list[Row] = self.cleaned_data["pauses"]
        taken = {minute for one in read_weekly(rows) for minute in one.minutes()}
        if WEEK - len(taken) < LEAST_OPEN:
            raise ValidationError(f"Leave at least {LEAST_OPEN // 60} hours of the week without a pause.")
        return rows

    def save(self) -> bool:
        """Whether it was saved; where not, the form says why. Raises PermissionDenied."""
        data = self.cleaned_data
        kind, _, pk = data["fallback"].partition("-")
        to = {kind: int(pk)} if kind else {}
        pauses = json.dumps(data["pauses"])
        values = PolicyValues(
            data["round_robin"], data["minutes"], data["passes"], to.get("person"), to.get("pond"), pauses
        )
        try:
            seen = PolicyValues(*self.read_seen()) if len(self.read_seen()) == 6 else values
            save_policy(actor=self.actor, unit=self.unit, values=values, seen=seen)
        except ChangedMeanwhileError:
            now = policy_of(self.unit)
            stands = PolicyValues.of(now)
            words = f"round robin {'on' if now.round_robin else 'off'}, {stands.minutes} minutes, {now.passes} passes"
            words += f", then {now.fallback or now.fallback_pond or 'a manager'}"
            words += _times(", pauses {}", ", no pauses", stands.pauses) if stands.pauses != seen.pauses else ""
            self.changed_meanwhile(stands, words)
        except NotEligibleError:
            self.add_error("fallback", "This can no longer be chosen.")
        return self.is_valid()


class ColdForm(SeenForm):
    """What becomes of leads that nobody was in touch with. It is saved only after it was shown what it does (R13)."""

    days = forms.IntegerField(
        min_value=1,
        max_value=730,
        required=False,
        label="Days without contact",
        help_text="Since the last call, text, e-mail or meeting, and since the agent got the lead. Empty: leads stay.",
    )
    to = forms.ChoiceField(required=False, label="Then they go")
    looked = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, actor: User, unit: Unit) -> None:
        self.actor, self.unit = actor, unit
        shown = ColdValues.of(policy_of(unit))
        initial = {"days": shown.days, "to": str(shown.pond_id or ""), "seen": json.dumps(astuple(shown))}
        super().__init__(data, initial=initial)
        ponds = [(str(pond.pk), f"to the pond {pond.name}") for pond in ponds_of(actor, unit).order_by("name", "pk")]
        self.fields["to"].choices = [("", "to the next agents in turn"), *ponds]  # type: ignore[attr-defined]

    def values(self) -> ColdValues:
        days, to = self.cleaned_data["days"], self.cleaned_data["to"]
        return ColdValues(days, int(to) if days and to else None)

    def looked_at(self) -> str:
        """What this sending asks to see, as the next one says that it was seen."""
        return json.dumps(astuple(self.values()))

    def was_looked_at(self) -> bool:
        return bool(self.cleaned_data["looked"] == self.looked_at())

    def save(self) -> bool:
        """Whether it was saved; where not, the form says why. Raises PermissionDenied."""
        try:
            seen = ColdValues(*self.read_seen()) if len(self.read_seen()) == 2 else self.values()
            save_cold(actor=self.actor, unit=self.unit, values=self.values(), seen=seen)
        except ChangedMeanwhileError:
            now = ColdValues.of(policy_of(self.unit))
            self.changed_meanwhile(now, f"{now.days} days" if now.days else "leads stay")
        except NotEligibleError:
            self.add_error("to", "This pond can no longer be chosen.")
        return self.is_valid()


def chosen(values: PolicyValues) -> str:
    """The fallback as the form's choice."""
    if values.fallback_pond_id:
        return f"pond-{values.fallback_pond_id}"
    return f"person-{values.fallback_id}" if values.fallback_id else ""


class PlaceForm(SeenForm):
    weight = forms.IntegerField(
        min_value=1, max_value=10, help_text="1 to 10. With weight 2 she gets twice as many as with weight 1."
    )
    enrolled = forms.BooleanField(required=False, label="Enrolled: approved to receive leads")
    paused = forms.BooleanField(
        required=False,
        label="Paused",
        help_text="Keeps her place and her turn. Offers she has stay hers until they end.",
    )
    daily_cap = forms.IntegerField(
        required=False, min_value=0, max_value=1000, label="Most in a day", help_text="Empty: any number. 0: none."
    )
    open_cap = forms.IntegerField(
        required=False, min_value=0, max_value=1000, label="Most unclaimed at once", help_text="Empty: any number."
    )
    hours = WeeklyField(label="Working hours", help_text="In her own time zone. Empty: at any time.")
    states = StatesField(
        label="Licensed in",
        help_text="Comma apart, such as AZ, CA; empty: anywhere. The place of the property asked about, else the lead’s.",
    )

    def __init__(self, data: Any = None, *, actor: User, unit: Unit, member: RosterMember) -> None:
        self.actor, self.unit, self.member = actor, unit, member
        shown = PlaceValues.of(member)
        initial = asdict(shown) | {"hours": json.loads(shown.hours), "seen": json.dumps(astuple(shown))}
        super().__init__(data, initial=initial)
        self.fields["states"].region = actor.company.phone_region  # type: ignore[attr-defined]

    def save(self) -> bool:
        """Whether it was saved; where not, the form says why. Raises PermissionDenied, NotEligibleError."""
        data = self.cleaned_data
        given = {name: data[name] for name in ("enrolled", "paused", "weight", "daily_cap", "open_cap")}
        values = PlaceValues(**given, hours=json.dumps(data["hours"]), states=", ".join(data["states"]))
        try:
            seen = PlaceValues(*self.read_seen()) if len(self.read_seen()) == 7 else values
            save_place(actor=self.actor, unit=self.unit, user_id=self.member.user_id, values=values, seen=seen)
        except ChangedMeanwhileError:
            self.member.refresh_from_db()
            now = PlaceValues.of(self.member)
            state = f"{'enrolled' if now.enrolled else 'not enrolled'}, {'paused' if now.paused else 'not paused'}"
            self.changed_meanwhile(now, ", ".join([f"weight {now.weight}, {state}", *_differing(seen, now)]))
        return self.is_valid()


def _differing(seen: PlaceValues, now: PlaceValues) -> list[str]:
    """What else of a place stands otherwise than was seen."""
    most, any_number = "at most {} {}", "any number {}"
    caps = (("in a day", seen.daily_cap, now.daily_cap), ("unclaimed at once", seen.open_cap, now.open_cap))
    said = [any_number.format(of) if cap is None else most.format(cap, of) for of, was, cap in caps if was != cap]
    if seen.hours != now.hours:
        said.append(_times("working hours {}", "at any time", now.hours))
    if seen.states != now.states:
        said.append(f"licensed in {now.states}" if now.states else "licensed anywhere")
    return said


def _times(some: str, none: str, hours: str) -> str:
    """Times of the week, which are kept as JSON, in words."""
    spans = read_weekly(json.loads(hours))
    return some.format(" and ".join(map(str, spans))) if spans else none
