"""Who works many leads: assigning them to a colleague, and releasing them from whoever has them (M1, M2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from crm.notifications.services import Message, notify
from crm.organization.models import User
from leads.batches.restoring import gone_since, restore_slots, slots_image
from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, MassVerb, NotNowError, Sight, Skip, VerbForm
from leads.batches.verbs.sharing import colleague_of
from leads.models import Assignment, Batch, BatchItem, Lead, Pond
from leads.querysets import LeadQuerySet
from leads.services.assigning import assign_leads, fill_slots, units_to_work_for
from leads.services.staffing import roles_of
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


class AssignForm(AssigneeForm):
    role = forms.ChoiceField(label="As", initial=AGENT)
    field_order = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = list(roles_of(self.actor.company_id).items())  # type: ignore[attr-defined]


class AgentSlot(MassVerb):
    """What is done to the Agent slot; the owner stays."""

    vacant: ClassVar[str] = "Nobody"

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.ASSIGN)

    def parts(self, act: Act) -> dict[str, Any]:
        return {"slots": slots_image(AGENT)}

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        return [gone_since(act, role_of(act))]

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        restore_slots(act, lead_ids, AGENT)

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        none: dict[str, Any] = {}
        slots = [next((slot for slot in one["slots"] if slot["role"] == role_of(act)), none) for one in images]
        company = {"company": act.batch.company_id}
        people = User.objects.filter(**company, pk__in=[slot.get("user") or 0 for slot in slots])
        ponds = Pond.objects.filter(**company, pk__in=[slot.get("pond") or 0 for slot in slots])
        named = {("user", person.pk): person.name for person in people.order_by("pk")}
        named |= {("pond", pond.pk): pond.name for pond in ponds.order_by("pk")}
        ends = [("pond" if slot.get("pond") else "user", slot) for slot in slots]
        return [named.get((end, slot.get(end)), self.vacant) for end, slot in ends]

    def covered(self) -> Skip:
        """While somebody covers for the Agent (M10), the slot is not free to be given away."""
        return Skip("cover", Exists(Assignment.objects.filter(lead=OuterRef("pk"), role=COVERED)))


class Assign(AgentSlot):
    """In any role; what was begun before there was a choice means the Agent."""

    code = "assign"
    label = "Assign"
    form = AssignForm
    reasons = {
        "there": "Assigned to her already",
        "outsider": "Belongs to a unit she is no member of",
        "cover": "Covered for its Agent at the moment",
    }

    def check(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        if not colleague_of(act).is_active:
            raise NotNowError(f"{colleague_of(act)} is not active any more.")
        if role_of(act) not in roles_of(act.batch.company_id):
            raise NotNowError("This role is not in the company’s list any more.")

    def skips(self, act: Act) -> Sequence[Skip]:
        hers = units_to_work_for(colleague_of(act))
        there = Assignment.objects.filter(lead=OuterRef("pk"), role=role_of(act), user=act.params["user"])
        return [
            Skip("there", Exists(there)),
            Skip("outsider", Q(owner_unit__isnull=False) & ~Q(owner_unit__in=hers)),
            *([self.covered()] if role_of(act) == AGENT else []),
        ]

    def parts(self, act: Act) -> dict[str, Any]:
        return {"slots": slots_image(role_of(act))}

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        restore_slots(act, lead_ids, role_of(act))

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        user = colleague_of(act)
        if role_of(act) == AGENT:
            assign_leads(lead_ids, user, **act.by.params())
        else:
            fill_slots([(pk, user.pk) for pk in lead_ids], role=role_of(act), **act.by.params())

    def words(self, act: Act) -> str:
        return f"Assign to {colleague_of(act)}{_as(act)}"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        new = str(colleague_of(act))
        slots = Assignment.objects.filter(lead__in=leads, role=role_of(act)).select_related("user", "pond")
        had = {slot.lead_id: str(slot.user or slot.pond) for slot in slots.order_by("lead")}
        return [(lead, had.get(lead.pk, "Nobody"), new) for lead in leads]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        """Whoever has another slot too keeps her sight."""
        new, role = Lock.ASSIGNED.of(act.params["user"]), role_of(act)
        others = Assignment.objects.filter(lead=OuterRef("lead"), user=OuterRef("user")).exclude(role=role)
        leaving = Assignment.objects.filter(~Exists(others), role=role)

        def after(shape: Shape) -> Shape:
            left = [lock for lock in shape.slots if lock not in shape.marked]
            stays = [lock for lock in left if role != AGENT or lock % KINDS != Lock.POND]
            return replace(shape, slots=tuple(sorted({*stays, new})))

        return sight_after(act, leads, after, mark=leaving)

    def tell(self, act: Act) -> None:
        """The one who has them now, once for all of them."""
        batch, user_id = act.batch, act.params["user"]
        if act.batch.takes_back or user_id == act.actor.pk:
            return
        said = f"By {act.actor}."
        if lead_id := only_lead(batch):
            message = Message(user_id, "assigned", f"{{lead}} is assigned to you{_as(act)}", said, lead_id=lead_id)
        else:
            title, url = f"{batch.changed:,} leads are assigned to you{_as(act)}", f"{reverse('people')}?mine=1"
            message = Message(user_id, "assigned", title, said, url)
        notify(batch.company_id, [message])


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


def role_of(act: Act) -> str:
    role: str = act.params.get("role", AGENT)
    return role


def _as(act: Act) -> str:
    """In which role, where that is not the Agent’s."""
    if role_of(act) == AGENT:
        return ""
    return f" as {roles_of(act.batch.company_id).get(role_of(act), 'a role that is gone')}"


def only_lead(batch: Batch) -> int | None:
    """The one lead that it has changed; none where there are several."""
    changed = batch.items.filter(outcome=BatchItem.Outcome.CHANGED).order_by("number").values_list("lead_id", flat=True)
    found = list(changed[:2])
    return found[0] if len(found) == 1 else None


def without_agent(shape: Shape, *instead: int) -> Shape:
    """With these locks in the place of the Agent's, be that a person or a pond."""
    left = [lock for lock in shape.slots if lock % KINDS != Lock.POND]
    if shape.agent and Lock.ASSIGNED.of(shape.agent) in left:
        left.remove(Lock.ASSIGNED.of(shape.agent))
    return replace(shape, agent=None, slots=tuple(sorted({*left, *instead})))
