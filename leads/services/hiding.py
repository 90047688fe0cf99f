"""Hiding a personal lead from its owner's managers, and showing it again (V4)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.organization.models import User
from leads.models import Lead
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry


def may_hide(actor: User, lead: Lead) -> bool:
    """Only her own personal leads, and only with the permission."""
    return lead.owner_user_id == actor.pk and actor.has_perm(Permission.HIDE_LEAD)


def hides_new_leads(owner: User) -> bool:
    """Whether personal leads she adds start hidden: her switch, as long as her profile lets her hide."""
    return owner.hide_new_leads and owner.has_perm(Permission.HIDE_LEAD)


@transaction.atomic
def set_hidden(*, actor: User, lead: Lead, hidden: bool) -> None:
    """Hide or show. To show needs no permission: it is her own lead. The same again changes nothing."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    if lead.owner_user_id != actor.pk or (hidden and not may_hide(actor, lead)):
        raise PermissionDenied("Only its owner can hide a personal lead, and only if her profile includes hiding.")
    if lead.hidden == hidden:
        return
    lead.hidden = hidden
    lead.save(update_fields=["hidden"])
    kind = LedgerEntry.Kind.HIDDEN if hidden else LedgerEntry.Kind.SHOWN
    record(Fact(company_id=lead.company_id, kind=kind, lead_id=lead.pk, actor_id=actor.pk, why="by hand"))
