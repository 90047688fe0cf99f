"""What managers type about a roster and its policy. A form remembers what it showed, so that nobody's change is undone
by somebody who did not see it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from django import forms

from crm.organization.models import Unit, User
from routing.models import RosterMember
from routing.services.team import (
    ChangedMeanwhileError,
    NotEligibleError,
    PlaceValues,
    PolicyValues,
    fallback_candidates,
    policy_of,
    save_place,
    save_policy,
)

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

    def changed_meanwhile(self, now: PolicyValues | PlaceValues, words: str) -> None:
        """Refuse this once: the next sending has seen what stands now."""
        self.data = {**self.data.dict(), "seen": json.dumps(astuple(now))}  # type: ignore[attr-defined]
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
    fallback = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        label="When nobody claims",
        empty_label="A manager of the unit",
        help_text="Who gets a lead that ran through all passes, or that nobody on the roster can take.",
        error_messages={"invalid_choice": "Choose an active member of this unit or of one above it."},
    )

    def __init__(self, data: Any = None, *, actor: User, unit: Unit) -> None:
        self.actor, self.unit = actor, unit
        shown = PolicyValues.of(policy_of(unit))
        initial = {
            "round_robin": shown.round_robin,
            "minutes": shown.minutes,
            "passes": shown.passes,
            "fallback": shown.fallback_id,
            "seen": json.dumps(astuple(shown)),
        }
        super().__init__(data, initial=initial)
        self.fields["fallback"].queryset = fallback_candidates(actor, unit)  # type: ignore[attr-defined]

    def save(self) -> bool:
        """Whether it was saved; where not, the form says why. Raises PermissionDenied."""
        data = self.cleaned_data
        fallback_id = data["fallback"].pk if data["fallback"] else None
        values = PolicyValues(data["round_robin"], data["minutes"], data["passes"], fallback_id)
        try:
            seen = PolicyValues(*self.read_seen()) if len(self.read_seen()) == 4 else values
            save_policy(actor=self.actor, unit=self.unit, values=values, seen=seen)
        except ChangedMeanwhileError:
            now = policy_of(self.unit)
            stands = PolicyValues.of(now)
            words = f"round robin {'on' if now.round_robin else 'off'}, {stands.minutes} minutes, {now.passes} passes"
            self.changed_meanwhile(stands, f"{words}, then {now.fallback or 'a manager'}")
        except NotEligibleError:
            self.add_error("fallback", "This person can no longer be chosen.")
        return self.is_valid()


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

    def __init__(self, data: Any = None, *, actor: User, unit: Unit, member: RosterMember) -> None:
        self.actor, self.unit, self.member = actor, unit, member
        shown = PlaceValues.of(member)
        initial = {"weight": shown.weight, "enrolled": shown.enrolled, "paused": shown.paused}
        super().__init__(data, initial={**initial, "seen": json.dumps(astuple(shown))})

    def save(self) -> bool:
        """Whether it was saved; where not, the form says why. Raises PermissionDenied, NotEligibleError."""
        data = self.cleaned_data
        values = PlaceValues(data["enrolled"], data["paused"], data["weight"])
        try:
            seen = PlaceValues(*self.read_seen()) if len(self.read_seen()) == 3 else values
            save_place(actor=self.actor, unit=self.unit, user_id=self.member.user_id, values=values, seen=seen)
        except ChangedMeanwhileError:
            self.member.refresh_from_db()
            now = PlaceValues.of(self.member)
            state = f"{'enrolled' if now.enrolled else 'not enrolled'}, {'paused' if now.paused else 'not paused'}"
            self.changed_meanwhile(now, f"weight {now.weight}, {state}")
        return self.is_valid()
