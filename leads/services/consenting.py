"""What a lead said of calls and texts (L1, D14): consent, opting out, and not to be called at all."""

from __future__ import annotations

from django.db import transaction

from crm.organization.models import User
from leads.models import Activity, Consent, Lead
from permissions.access import Keyring, Level
from permissions.door import require

SAID = {True: "Consent to {} recorded", False: "Opted out of {}"}


@transaction.atomic
def record_consent(*, keyring: Keyring, actor: User, lead: Lead, kind: str, given: bool, words: str = "") -> Consent:
    """Append the lead's latest word on calls or texts. Raises PermissionDenied below `work`."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require(keyring, lead, Level.WORK)
    said = Consent.objects.create(
        company_id=lead.company_id, lead=lead, kind=kind, given=given, words=words, recorded_by=actor
    )
    _note(lead, actor, SAID[given].format(said.get_kind_display().lower()) + (f": {words}" if words else ""))
    return said


@transaction.atomic
def mark_do_not_call(*, keyring: Keyring, actor: User, lead: Lead, on: bool) -> None:
    """Nobody calls the lead, by whatever number; or again. Raises PermissionDenied below `work`."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require(keyring, lead, Level.WORK)
    if lead.do_not_call == on:
        return
    lead.do_not_call = on
    lead.save(update_fields=["do_not_call"])
    _note(lead, actor, "Marked do not call." if on else "May be called again.")


def _note(lead: Lead, actor: User, words: str) -> None:
    kind = Activity.Kind.SYSTEM
    Activity.objects.create(company_id=lead.company_id, lead=lead, kind=kind, actor=actor, body=words)
