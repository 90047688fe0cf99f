"""Covering for whoever has many leads, until a date (M10): all of an agent's, while she is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from crm.core.moments import DayField
from crm.notifications.services import Message, notify
from leads.batches.restoring import restore_slots, slots_image
from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, NotNowError, Sight, Skip
from leads.batches.verbs.assigning import AGENT, COVERED, AgentSlot, AssigneeForm, only_lead
from leads.batches.verbs.sharing import colleague_of
from leads.models import Assignment, Lead
from leads.querysets import LeadQuerySet
from leads.services.assigning import units_to_work_for
from leads.services.covering import cover_leads
from permissions.access import Lock


class LastDay(DayField):
    """The last day of something, as the moment after it where who fills it in is."""

    def clean(self, value: Any) -> Any:
        day: date | None = super().clean(value)
        if day is None:
            return None
        if day < timezone.localdate():
            raise ValidationError("That day has passed already. Choose a later one.")
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


class CoverForm(AssigneeForm):
    until = LastDay(label="Last day", help_text="The day after, what is covered returns by itself.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].label = "Who covers"

    @property
    def params(self) -> dict[str, Any]:
        return {"user": self.cleaned_data["user"].pk, "until": self.cleaned_data["until"].isoformat()}


class Cover(AgentSlot):
    code = "cover"
    label = "Cover"
    form = CoverForm
    vacant = "Its owner"
    reasons = {
        "nobody": "Nobody has it",
        "there": "Hers already",
        "outsider": "Belongs to a unit she is no member of",
        "cover": "Covered for its Agent already",
    }

    def check(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        if not colleague_of(act).is_active:
            raise NotNowError(f"{colleague_of(act)} is not active any more.")
        if until_of(act) <= timezone.now():
            raise NotNowError("The last day has passed.")

    def skips(self, act: Act) -> Sequence[Skip]:
        hers = units_to_work_for(colleague_of(act))
        pooled = Exists(Assignment.objects.filter(lead=OuterRef("pk"), pond__isnull=False))
        return [
            Skip("nobody", Q(holder_id=None) | pooled),
            Skip("there", Q(holder_id=act.params["user"])),
            Skip("outsider", Q(owner_unit__isnull=False) & ~Q(owner_unit__in=hers)),
            self.covered(),
        ]

    def parts(self, act: Act) -> dict[str, Any]:
        return {"slots": slots_image(AGENT, COVERED)}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        cause = {"actor_id": act.actor.pk, "batch_id": act.batch.pk}
        cover_leads(lead_ids, colleague_of(act), until_of(act), **cause)

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        restore_slots(act, lead_ids, AGENT, COVERED)

    def words(self, act: Act) -> str:
        return f"Let {colleague_of(act)} cover until {last_day(act):%B %-d}"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        new = str(colleague_of(act))
        return [(lead, str(lead.agent or lead.owner), new) for lead in leads.select_related("agent", "owner_user")]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        new = Lock.ASSIGNED.of(act.params["user"])

        def after(shape: Shape) -> Shape:
            away = Lock.ASSIGNED.of(shape.agent or shape.lead.owner_user_id or 0)
            return replace(shape, agent=act.params["user"], slots=tuple(sorted({*shape.slots, away, new})))

        return sight_after(act, leads, after)

    def tell(self, act: Act) -> None:
        """The one who covers, once for all of them."""
        batch, user_id = act.batch, act.params["user"]
        if user_id == act.actor.pk or batch.takes_back:
            return
        body = f"Until {last_day(act):%B %-d}, by {act.actor}."
        if lead_id := only_lead(batch):
            message = Message(user_id, "assigned", "You cover {lead}", body, lead_id=lead_id)
        else:
            url = f"{reverse('people')}?mine=1"
            message = Message(user_id, "assigned", f"You cover {batch.changed:,} leads", body, url)
        notify(batch.company_id, [message])


def until_of(act: Act) -> datetime:
    until = parse_datetime(act.params["until"])
    assert until is not None
    return until


def last_day(act: Act) -> date:
    return (timezone.localtime(until_of(act)) - timedelta(seconds=1)).date()
