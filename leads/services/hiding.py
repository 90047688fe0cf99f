"""Hiding a personal lead from its owner's managers, and showing it again (V4)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.organization.models import Unit, User
from leads.models import Lead
from permissions.access import Keyring
from permissions.catalog import Permission
from permissions.door import require_verb
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.verbs import Verb


def hides_new_leads(owner: User) -> bool:
    """Whether personal leads she adds start hidden: her switch, as long as her profile lets her hide."""
    return owner.hide_new_leads and owner.has_perm(Permission.HIDE_LEAD)


def starts_hidden(actor: User, owner: Unit | User, *, asked: bool | None) -> bool:
    """Whether a lead she adds for `owner` starts hidden: as asked, or by her switch. Raises PermissionDenied."""
    hers = owner == actor
    if asked and not (hers and actor.has_perm(Permission.HIDE_LEAD)):
        raise PermissionDenied(
            "Only a personal lead of your own can be hidden, and only if your profile includes hiding."
        )
    return hers and (hides_new_leads(actor) if asked is None else asked)


@transaction.atomic
def set_hidden(*, keyring: Keyring, actor: User, lead: Lead, hidden: bool) -> None:
    """Hide or show. To show needs no permission: it is her own lead. The same again changes nothing."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    if hidden:
        require_verb(keyring, lead, Verb.HIDE)
    elif lead.owner_user_id != actor.pk:
        raise PermissionDenied("Only its owner can show a hidden lead.")
    if lead.hidden == hidden:
        return
    lead.hidden = hidden
    lead.save(update_fields=["hidden"])
    kind = LedgerEntry.Kind.HIDDEN if hidden else LedgerEntry.Kind.SHOWN
    record(Fact(company_id=lead.company_id, kind=kind, lead_id=lead.pk, actor_id=actor.pk, why="by hand"))
