"""Writing e-mails to leads (L4): onto the timeline and on their way in one transaction; and once more what did not go."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Now

from crm.organization.models import User
from leads.messaging.gates import RefusedError, why_shut
from leads.models import Activity, Lead, Mail
from leads.models.mail import joined
from leads.services.working import log_activity, may_log
from permissions.access import Keyring
from permissions.door import access_to

Delivery = Activity.Delivery


def sender_of(lead: Lead, actor: User) -> User:
    """In whose name it goes: the person in the Agent slot; where there is none, whoever writes."""
    return lead.agent if lead.agent and lead.agent.is_active else actor


@transaction.atomic
def send_email(*, keyring: Keyring, actor: User, lead: Lead, to: str, subject: str, body: str) -> Mail:
    """E-mail the lead at one of its addresses, which is work on it (R6). Raises RefusedError, PermissionDenied."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    if refusal := why_shut(lead):
        raise RefusedError(refusal)
    written = log_activity(
        keyring=keyring,
        actor=actor,
        lead=lead,
        kind=Activity.Kind.EMAIL,
        direction=Activity.Direction.OUT,
        outcome=Delivery.SENDING,
        body=joined(subject, body),
    )
    made = Mail.objects.create(company_id=lead.company_id, activity=written, sender=sender_of(lead, actor), to=to)
    post_soon()
    return made


@transaction.atomic
def send_again(*, keyring: Keyring, lead: Lead, mail: Mail) -> bool:
    """Send once more what did not go: whether it was waiting for that. Raises RefusedError, PermissionDenied."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    if not may_log(access_to(keyring, lead), Activity.Kind.EMAIL):
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    if refusal := why_shut(lead):
        raise RefusedError(refusal)
    failed = Mail.objects.filter(pk=mail.pk, state=Mail.State.FAILED)
    if not failed.exclude(to="").update(state=Mail.State.WAITING, tries=0, due_at=Now(), error=""):
        return False
    Activity.objects.filter(pk=mail.activity_id).update(outcome=Delivery.SENDING)
    post_soon()
    return True


def post_soon() -> None:
    """Have what is due sent once this is committed."""
    from leads.tasks import post_mails

    post_mails.queue()
