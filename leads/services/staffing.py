"""Who works a lead, slot by slot (M1): chosen by hand on its page. The owner stays."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from crm.notifications.services import Message, bump, notify
from crm.organization.models import User
from leads.models import Assignment, Lead, SlotRole
from leads.services.assigning import assign_leads, assignees_of, end_slots, fill_slots
from leads.services.transferring import Cause, clear
from permissions.access import Keyring
from permissions.door import require_verb
from permissions.verbs import Verb

Role = Assignment.Role


def roles_of(company_id: int) -> dict[str, str]:
    """The slots a lead can have, code → name: the built-in ones, then the company's own."""
    own = SlotRole.objects.filter(company=company_id).order_by("name", "pk").values_list("code", "name")
    return {role.value: str(role.label) for role in (Role.AGENT, Role.ASSISTANT, Role.LENDER)} | dict(own)


def assignable(actor: User, lead: Lead) -> QuerySet[User]:
    """Whom she may choose: colleagues she can see; for a unit's lead those who may work for the unit."""
    colleagues: QuerySet[User] = User.objects.can_be_seen_by(actor)
    return colleagues.filter(pk__in=assignees_of(lead.owner_unit).values("pk")) if lead.owner_unit else colleagues


@transaction.atomic
def assign(*, keyring: Keyring, actor: User, lead: Lead, role: str, user: User | None) -> None:
    """Give the slot to somebody, or to nobody. Raises PermissionDenied, ValidationError for a wrong slot or person."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require_verb(keyring, lead, Verb.ASSIGN)
    if role not in roles_of(lead.company_id):
        raise ValidationError("This role is not in the company’s list any more.")
    if role == Role.AGENT and lead.assignments.filter(role=Role.COVERED).exists():
        raise ValidationError("Somebody covers for its Agent at the moment. End that first.")
    if user is not None and not assignable(actor, lead).filter(pk=user.pk).exists():
        raise ValidationError(f"{user} may not work leads of {lead.owner}.")
    slot = lead.assignments.filter(role=role)
    if slot.filter(user=user).exists() if user else not slot.exists():
        return
    before = set(slot.values_list("user", flat=True)) - {None}
    _settle(lead, role, user, Cause(actor, "by hand"))
    bump({*before, *([user.pk] if user else [])}, "offers")
    if user is not None and user != actor:
        title = f"You are the {roles_of(lead.company_id)[role]} of {{lead}} now"
        notify(lead.company_id, [Message(user.pk, "assigned", title, f"By {actor}.", lead_id=lead.pk)])


def _settle(lead: Lead, role: str, user: User | None, cause: Cause) -> None:
    """The Agent's slot is what rotations are about; with any other there is nothing else to end."""
    if user is None:
        if role == Role.AGENT and lead.agent_id:
            clear(Lead.objects.filter(pk=lead.pk), cause)
        else:
            end_slots(lead.assignments.filter(role=role), **cause.params())
    elif role == Role.AGENT:
        assign_leads([lead.pk], user, **cause.params())
    else:
        fill_slots([(lead.pk, user.pk)], role=role, **cause.params())
