"""What people type about a task, an appointment or a callback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from crm.core.lines import one_line
from crm.core.moments import MomentField
from crm.organization.models import User
from leads.models import Lead, Task
from leads.once import new_token
from leads.services.tasks import TooFarError, check_due

ANYONE = "anyone"
REMINDERS = [
    ("", "No reminder"),
    ("0", "When it is due"),
    ("15", "15 minutes before"),
    ("60", "An hour before"),
    ("1440", "A day before"),
]
PLANNED = [(kind.value, kind.label) for kind in (Task.Kind.TASK, Task.Kind.APPOINTMENT)]


class TaskForm(forms.Form):
    """Of a lead: also an appointment, and for whom. Without one it is a task of her own."""

    token = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40, initial=new_token)
    kind = forms.ChoiceField(choices=PLANNED)
    title = forms.CharField(label="What", max_length=200, validators=[one_line])
    due_at = MomentField(label="When")
    remind = forms.ChoiceField(label="Remind", choices=REMINDERS, required=False, initial="0")
    who = forms.ChoiceField(label="For whom")

    def __init__(self, data: Any = None, *, actor: User, lead: Lead | None, task: Task | None = None) -> None:
        super().__init__(data, initial=_as_it_is(task) if task else None)
        self.people = people_for(actor, lead, task)
        names = {str(pk): "Me" if pk == actor.pk else person.name for pk, person in self.people.items()}
        anyone = [(ANYONE, "Anyone who works the lead")] if lead else []
        self.fields["who"].choices = [*names.items(), *anyone]  # type: ignore[attr-defined]
        if lead is None:
            del self.fields["who"]
        if lead is None or task is not None:
            del self.fields["kind"]

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"].strip()
        if not title:
            raise ValidationError("Say what is to be done.")
        return title

    def clean_due_at(self) -> datetime:
        due_at: datetime = self.cleaned_data["due_at"]
        if "due_at" in self.changed_data:
            try:
                check_due(due_at)
            except TooFarError as error:
                raise ValidationError(str(error)) from error
        return due_at

    def values(self, actor: User) -> dict[str, Any]:
        """As the services take them."""
        data = self.cleaned_data
        who = data.get("who", str(actor.pk))
        user = None if who == ANYONE else self.people.get(int(who), actor)
        remind = timedelta(minutes=int(data["remind"])) if data["remind"] else None
        return {"title": data["title"], "due_at": data["due_at"], "remind": remind, "user": user}


def people_for(actor: User, lead: Lead | None, task: Task | None) -> dict[int, User]:
    """She herself, who holds the lead, and whose it is now."""
    found = {actor.pk: actor}
    if lead is not None and lead.holder_id:
        found |= User.objects.of(actor).active().in_bulk([lead.holder_id])
    if task is not None and task.user is not None:
        found[task.user.pk] = task.user
    return found


def _as_it_is(task: Task) -> dict[str, Any]:
    before = str(int((task.due_at - task.remind_at).total_seconds() // 60)) if task.remind_at else ""
    who = str(task.user_id) if task.user_id else ANYONE
    return {"title": task.title, "due_at": task.due_at, "remind": before, "who": who}
