"""Who works many leads: assigning them to a colleague, and releasing them from whoever has them (M1, M2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.urls import reverse

from crm.notifications.services import Message, notify
from crm.organization.models import User
from leads.batches.restoring import restore_slots, slots_image
from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, MassVerb, NotNowError, Sight, Skip, VerbForm
from leads.batches.verbs.sharing import colleague_of
from leads.models import Assignment, Lead
from leads.querysets import LeadQuerySet
from leads.services.assigning import assign_leads, units_to_work_for
from leads.services.transferring import clear
from permissions.access import KINDS, Keyring, Lock
from permissions.door import doable
from permissions.verbs import Verb

AGENT, COVERED = Assignment.Role.AGENT.value, Assignment.Role.COVERED.value


class AssigneeForm(VerbForm):
    user = forms.ModelChoiceField(User.objects.none(), label="Assign to", empty_label="Choose a colleague …")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.can_be_seen_by(self.actor).order_by("name", "pk")
        self.fields["user"].queryset = colleagues  # type: ignore[attr-defined]


class AgentSlot(MassVerb):
    """What is done to the Agent slot; the owner stays."""

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.ASSIGN)

    def image(self, act: Act) -> Combinable:
        return JSONObject(slots=slots_image(AGENT))

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        restore_slots(act, lead_ids, AGENT)

    def covered(self) -> Skip:
        """While somebody covers for the Agent (M10), the slot is not free to be given away."""
        return Skip("cover", Exists(Assignment.objects.filter(lead=OuterRef("pk"), role=COVERED)))


class Assign(AgentSlot):
    code = "assign"
    label = "Assign"
    form = AssigneeForm
    reasons = {
        "there": "Assigned to her already",
        "outsider": "Belongs to a unit she is no member of",
        "cover": "Covered for its Agent at the moment",
    }

    def check(self, act: Act) -> None:
        if not act.batch.undoes_id and not colleague_of(act).is_active:
            raise NotNowError(f"{colleague_of(act)} is not active any more.")

    def skips(self, act: Act) -> Sequence[Skip]:
        hers = units_to_work_for(colleague_of(act))
        return [
            Skip("there", Q(agent=act.params["user"])),
            Skip("outsider", Q(owner_unit__isnull=False) & ~Q(owner_unit__in=hers)),
            self.covered(),
        ]

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        assign_leads(lead_ids, colleague_of(act), **act.by.params())

    def words(self, act: Act) -> str:
        return f"Assign to {colleague_of(act)}"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        new = str(colleague_of(act))
        return [(lead, str(lead.agent or "Nobody"), new) for lead in leads.select_related("agent")]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        new = Lock.ASSIGNED.of(act.params["user"])
        return sight_after(act, leads, lambda shape: without_agent(shape, new))

    def tell(self, act: Act) -> None:
        """The one who has them now, once for all of them."""
        batch, user_id = act.batch, act.params["user"]
        if act.batch.undoes_id or user_id == act.actor.pk:
            return
        title = "A lead is assigned to you" if batch.changed == 1 else f"{batch.changed:,} leads are assigned to you"
        url = f"{reverse('people')}?mine=1"
        notify(batch.company_id, [Message(user_id, "assigned", title, f"By {act.actor}.", url)])


class Release(AgentSlot):
    code = "release"
    label = "Release"
    reasons = {
        "there": "Nobody has it",
        "personal": "A personal lead: change its owner instead",
        "cover": "Covered for its Agent at the moment",
    }

    def skips(self, act: Act) -> Sequence[Skip]:
        personal = Skip("personal", Q(owner_user__isnull=False))
        return [personal, Skip("there", Q(agent=None)), self.covered()]

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        clear(Lead.objects.filter(pk__any_of=list(lead_ids)), act.by)

    def words(self, act: Act) -> str:
        return "Release from whoever has them"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        return [(lead, str(lead.agent), "Nobody") for lead in leads.select_related("agent")]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        return sight_after(act, leads, without_agent)


def without_agent(shape: Shape, *instead: int) -> Shape:
    """With these locks in the place of the Agent's, be that a person or a pond."""
    left = [lock for lock in shape.slots if lock % KINDS != Lock.POND]
    if shape.agent and Lock.ASSIGNED.of(shape.agent) in left:
        left.remove(Lock.ASSIGNED.of(shape.agent))
    return replace(shape, agent=None, slots=tuple(sorted({*left, *instead})))
