"""What an agent says at her desk: which number, and what came of the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from crm.core.lines import straight
from crm.core.moments import ClockField
from dialer.models import AgentSession, CampaignDisposition, Disposition
from dialer.services.on_call import Said

LONGEST_NOTE = 2000


class SaidForm(forms.Form):
    """One of the campaign's dispositions, a note, and for a callback when."""

    disposition = forms.ModelChoiceField(
        Disposition.objects.none(),
        error_messages={
            "required": "Say what came of the call.",
            "invalid_choice": "This can no longer be said. Choose another.",
        },
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "What should the next person know?"}),
    )
    call_back = ClockField(label="Call again at", required=False, help_text="By the lead’s clock.")
    anyone = forms.BooleanField(label="Anyone who works the lead may call it", required=False)
    pause = forms.ChoiceField(choices=[("", "Go on"), *AgentSession.Pause.choices], required=False)

    def __init__(self, *args: Any, given: list[CampaignDisposition], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = Disposition.objects.filter(pk__in=[one.disposition_id for one in given])
        self.fields["disposition"].queryset = chosen  # type: ignore[attr-defined]

    def clean_note(self) -> str:
        return straight(self.cleaned_data["note"])

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        disposition, at = data.get("disposition"), data.get("call_back")
        if disposition and disposition.callback and at is None and "call_back" not in self.errors:
            self.add_error("call_back", "Say when to call again.")
        return data

    def said(self) -> Said:
        data = self.cleaned_data
        return Said(data["disposition"], data["note"], data["call_back"], data["anyone"], data["pause"])


def is_about(sent: Mapping[str, str], session: AgentSession) -> bool:
    """What was sent is about the lead before her, not the one of another window."""
    return session.lead is not None and sent.get("lead") == session.lead.public_id


def typed_so_far(sent: Mapping[str, str], session: AgentSession | None) -> dict[str, str]:
    """What she has typed of the lead before her, for a form that is shown anew while she is at it."""
    if session is None or not is_about(sent, session):
        return {}
    names = ("disposition", "note", "call_back", "anyone")
    return {name: sent[name].replace("\x00", "")[:LONGEST_NOTE] for name in names if name in sent}
