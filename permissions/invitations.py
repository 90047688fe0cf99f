"""Inviting people into the company, and what becomes of an invitation (O7). Mail goes out by what stands in the rows."""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse

from crm.organization.models import Invitation, Membership, Unit, User
from crm.organization.services import add_member, create_user
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry, Profile
from permissions.profiles import give_profile, profiles_for

logger = logging.getLogger(__name__)
SALT = "invitation"
LASTS = timedelta(days=7)
MOST_AN_HOUR = 40
REST = timedelta(minutes=1)  # between two mails to the same person
CLAIM = """
UPDATE organization_invitation SET send_at = statement_timestamp() + interval '5 minutes'
WHERE id IN (
    SELECT id FROM organization_invitation
    WHERE sent_at IS NULL AND send_at <= statement_timestamp() AND expires_at > statement_timestamp()
        AND accepted_at IS NULL AND withdrawn_at IS NULL
    ORDER BY send_at, id LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""


class RefusedError(Exception):
    """The invitation cannot be made or used; the text says why, without telling about anybody else."""


def may_invite(actor: User, unit: Unit) -> bool:
    return actor.has_perm(Permission.MANAGE_USERS) and Unit.objects.managed_by(actor).filter(pk=unit.pk).exists()


def roles_for(actor: User, unit: Unit) -> list[tuple[str, str]]:
    """The roles she may give in the unit: only an owner, of it or of a unit above it, makes owners."""
    line = [u.pk for u in (unit, unit.parent, unit.parent and unit.parent.parent) if u]
    owns = Membership.objects.current().filter(user=actor, unit__in=line, role=Membership.Role.OWNER).exists()
    roles = [Membership.Role.MEMBER, Membership.Role.ADMIN, *([Membership.Role.OWNER] if owns else [])]
    return [(role.value, role.label) for role in roles]


def pending(unit: Unit) -> QuerySet[Invitation]:
    """Neither accepted nor withdrawn, the newest first; expired ones among them."""
    waiting = Invitation.objects.filter(unit=unit, accepted_at=None, withdrawn_at=None)
    return waiting.select_related("invited_by").order_by("-created_at", "-pk")


@transaction.atomic
def invite(*, actor: User, unit: Unit, email: str, name: str, role: str, profile: str) -> Invitation:
    """Promise a mail with a link that works for a week. Raises PermissionDenied, RefusedError."""
    from permissions.tasks import send_invitations

    _require(actor, unit, role, profile)
    email = email.strip().lower()
    lately = Invitation.objects.filter(invited_by=actor, created_at__gt=Now() - timedelta(hours=1)).count()
    if lately >= MOST_AN_HOUR:
        raise RefusedError(f"That was {MOST_AN_HOUR} invitations within an hour. Go on a little later.")
    if User.objects.filter(email=email).exists():
        raise RefusedError("This person cannot be invited.")
    if Invitation.objects.filter(company=unit.company_id, email=email, accepted_at=None, withdrawn_at=None).exists():
        raise RefusedError("This person is invited already. Send that invitation again, or withdraw it first.")
    invitation = _create(actor, unit, email=email, name=name, role=role, profile=profile)
    _record(invitation, actor, "sent")
    send_invitations.queue()
    return invitation


def _require(actor: User, unit: Unit, role: str, profile: str) -> None:
    given = role in dict(roles_for(actor, unit)) and profiles_for(actor).filter(code=profile).exists()
    if not may_invite(actor, unit) or not given:
        raise PermissionDenied("You may not invite anybody so.")


def _create(actor: User, unit: Unit, **given: str) -> Invitation:
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                company_id=unit.company_id, unit=unit, invited_by=actor, expires_at=Now() + LASTS, **given
            )
    except IntegrityError as error:  # somebody else did the same at this moment
        raise RefusedError("This person is invited already.") from error
    invitation.refresh_from_db()
    return invitation


@transaction.atomic
def resend(*, actor: User, invitation: Invitation) -> None:
    """Promise a new mail; the link of the one before stops working. Raises PermissionDenied, RefusedError."""
    from permissions.tasks import send_invitations

    _hold(actor, invitation)
    same = Invitation.objects.filter(pk=invitation.pk)
    if same.filter(Q(sent_at=None) | Q(sent_at__gt=Now() - REST), expires_at__gt=Now()).exists():
        raise RefusedError("The mail is on its way already.")
    same.update(expires_at=Now() + LASTS, sent_at=None, send_at=Now())
    _record(invitation, actor, "sent again")
    send_invitations.queue()


@transaction.atomic
def withdraw(*, actor: User, invitation: Invitation) -> None:
    """Its link stops working now. Raises PermissionDenied, RefusedError."""
    _hold(actor, invitation)
    Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=Now())
    _record(invitation, actor, "withdrawn")


def _hold(actor: User, invitation: Invitation) -> None:
    held = Invitation.objects.select_for_update(of=("self",)).select_related("unit").get(pk=invitation.pk)
    if not may_invite(actor, held.unit):
        raise PermissionDenied("This is for the managers of the unit.")
    if held.accepted_at or held.withdrawn_at:
        raise RefusedError("This invitation was used or withdrawn meanwhile.")


def token_of(invitation: Invitation) -> str:
    return signing.dumps([invitation.pk, _moment(invitation.expires_at)], salt=SALT, compress=False)


def _moment(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def invitation_for(token: str) -> Invitation | None:
    """The invitation whose link this is, where it still works."""
    try:
        pk, expires = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    usable = Invitation.objects.filter(pk=pk, accepted_at=None, withdrawn_at=None, expires_at__gt=Now())
    found = usable.filter(unit__closed_at=None).select_related("company", "unit", "invited_by").first()
    return found if found and _moment(found.expires_at) == expires else None


@transaction.atomic
def accept(*, token: str, name: str, password: str) -> User:
    """Make the person a user of the company, with her role and profile. Raises RefusedError where the link is used up."""
    invitation = invitation_for(token)
    held = invitation and Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
    if invitation is None or held is None or held.accepted_at or held.withdrawn_at:
        raise RefusedError("This link does not work any more.")
    try:
        user = create_user(company=invitation.company, email=invitation.email, name=name, password=password)
        give_profile(user, invitation.profile)
    except (ValidationError, Profile.DoesNotExist) as error:  # the address was taken meanwhile, or the profile is gone
        raise RefusedError("This link does not work any more.") from error
    add_member(unit=invitation.unit, user=user, role=invitation.role)
    Invitation.objects.filter(pk=held.pk).update(accepted_at=Now())
    _record(invitation, user, "invitation")
    return user


def _record(invitation: Invitation, actor: User, why: str) -> None:
    joined = why == "invitation"
    record(
        Fact(
            company_id=invitation.company_id,
            kind=LedgerEntry.Kind.JOINED if joined else LedgerEntry.Kind.INVITED,
            actor_id=actor.pk,
            to_unit_id=invitation.unit_id,
            to_user_id=actor.pk if joined else None,
            role=invitation.role,
            why=why,
            detail={"invitation": invitation.pk, "profile": invitation.profile},
        )
    )


def send_due(limit: int = 20) -> int:
    """Send up to `limit` invitations that are due: how many were tried. What fails is due again in five minutes."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [limit])
        claimed = [row[0] for row in cursor.fetchall()]
    due = Invitation.objects.filter(pk__in=claimed).select_related("company", "unit", "invited_by")
    for invitation in due.order_by("pk"):
        try:
            _mail(invitation)
        except (OSError, smtplib.SMTPException) as error:
            logger.warning("invitation %s not sent: %s", invitation.pk, type(error).__name__)
        else:
            same = Invitation.objects.filter(pk=invitation.pk, expires_at=invitation.expires_at)
            same.update(sent_at=Now())
    return len(claimed)


def _mail(invitation: Invitation) -> None:
    link = settings.PUBLIC_URL + reverse("invitation-accept", args=[token_of(invitation)])
    body = render_to_string("permissions/invitation_email.txt", {"invitation": invitation, "link": link})
    subject = f"{invitation.invited_by.name} invites you to {invitation.company.name} on Fairlead"
    EmailMessage(subject=" ".join(subject.split()), body=body, to=[invitation.email]).send()
