"""Inviting people into the company, and what becomes of an invitation (O7). Mail goes out by what stands in the rows."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse

from crm.organization.models import Invitation, Membership, Unit, User
from crm.organization.querysets import MANAGES, within
from crm.organization.services import add_member, create_user
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile, profiles_for

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


def may_invite(actor: User, *units: Unit) -> bool:
    return actor.has_perm(Permission.MANAGE_USERS) and units_for(actor).filter(pk__in=_ids(units)).count() == len(units)


def units_for(actor: User) -> QuerySet[Unit]:
    """The units she may invite to, as far as her profile lets her invite."""
    return Unit.objects.managed_by(actor).open()


def roles_for(actor: User, *units: Unit) -> list[tuple[str, str]]:
    """The roles she may give in all of the units: only an owner, of each or of a unit above it, makes owners."""
    roots = Membership.objects.current().filter(user=actor, role=Membership.Role.OWNER).values("unit")
    owns = Unit.objects.filter(within(roots), pk__in=_ids(units)).count() == len(units)
    roles = [Membership.Role.MEMBER, Membership.Role.ADMIN, *([Membership.Role.OWNER] if owns else [])]
    return [(role.value, role.label) for role in roles]


def may_give(actor: User, units: Sequence[Unit], role: str, profile: str) -> bool:
    """Whether she may invite to the units in that role and with that profile."""
    given = role in dict(roles_for(actor, *units)) and profiles_for(actor).filter(code=profile).exists()
    return given and may_invite(actor, *units)


def _ids(units: Iterable[Unit]) -> list[int]:
    return [unit.pk for unit in units]


def pending(unit: Unit) -> QuerySet[Invitation]:
    """To this unit, maybe among others, neither accepted nor withdrawn, the newest first; expired ones among them.
    `backed` says whether who invited may still do so here.
    """
    line = [one.pk for one in (unit, unit.parent, unit.parent and unit.parent.parent) if one]
    managing = Membership.objects.current().filter(unit__in=line, role__in=MANAGES, user__is_active=True)
    able = managing.filter(user__holding__profile__permissions__contains=[Permission.MANAGE_USERS.value])
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None).filter(
        Q(unit=unit) | Exists(Invitation.more_units.through.objects.filter(invitation=OuterRef("pk"), unit=unit))
    )
    backed = Exists(able.filter(user=OuterRef("invited_by")))
    return waiting.annotate(backed=backed).select_related("invited_by", "unit").order_by("-created_at", "-pk")


@transaction.atomic
def invite(
    *, actor: User, unit: Unit, email: str, name: str, role: str, profile: str, more_units: Iterable[Unit] = ()
) -> Invitation:
    """Promise a mail with a link that works for a week. Raises PermissionDenied, RefusedError."""
    from permissions.tasks import send_invitations

    units = list({one.pk: one for one in (unit, *more_units)}.values())
    if not may_give(actor, units, role, profile):
        raise PermissionDenied("You may not invite anybody so.")
    email = email.strip().lower()
    lately = Invitation.objects.filter(invited_by=actor, created_at__gt=Now() - timedelta(hours=1)).count()
    if lately >= MOST_AN_HOUR:
        raise RefusedError(f"That was {MOST_AN_HOUR} invitations within an hour. Go on a little later.")
    if User.objects.filter(email=email).exists():
        raise RefusedError("This person cannot be invited.")
    if Invitation.objects.filter(company=unit.company_id, email=email, accepted_at=None, withdrawn_at=None).exists():
        raise RefusedError("This person is invited already. Send that invitation again, or withdraw it first.")
    invitation = _create(actor, units, email=email, name=name, role=role, profile=profile)
    _record(invitation, units, actor, "sent")
    send_invitations.queue()
    return invitation


def _create(actor: User, units: Sequence[Unit], **given: str) -> Invitation:
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                company_id=actor.company_id, unit=units[0], invited_by=actor, expires_at=Now() + LASTS, **given
            )
            invitation.more_units.set(units[1:])
    except IntegrityError as error:  # somebody else did the same at this moment
        raise RefusedError("This person is invited already.") from error
    invitation.refresh_from_db()
    return invitation


@transaction.atomic
def resend(*, actor: User, invitation: Invitation) -> None:
    """Promise a new mail, now on her own word; the last link stops working. Raises PermissionDenied, RefusedError."""
    from permissions.tasks import send_invitations

    units = open_units(_hold(actor, invitation))
    if not may_give(actor, units, invitation.role, invitation.profile):
        raise RefusedError("You may not give this role and profile there. Withdraw the invitation, and make another.")
    same = Invitation.objects.filter(pk=invitation.pk)
    if same.filter(Q(sent_at=None) | Q(sent_at__gt=Now() - REST), expires_at__gt=Now()).exists():
        raise RefusedError("The mail is on its way already.")
    same.update(expires_at=Now() + LASTS, sent_at=None, send_at=Now(), invited_by=actor)
    _record(invitation, units, actor, "sent again")
    send_invitations.queue()


@transaction.atomic
def withdraw(*, actor: User, invitation: Invitation) -> None:
    """Its link stops working now. Raises PermissionDenied, RefusedError."""
    units = units_of(_hold(actor, invitation))
    Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=Now())
    _record(invitation, units, actor, "withdrawn")


def _hold(actor: User, invitation: Invitation) -> Invitation:
    held = Invitation.objects.select_for_update(of=("self",)).select_related("unit").get(pk=invitation.pk)
    if not may_invite(actor, held.unit):
        raise PermissionDenied("This is for the managers of the unit.")
    if held.accepted_at or held.withdrawn_at:
        raise RefusedError("This invitation was used or withdrawn meanwhile.")
    return held


def units_of(invitation: Invitation) -> list[Unit]:
    """All it is for, that of its making first."""
    return [invitation.unit, *invitation.more_units.order_by("name", "pk")]


def open_units(invitation: Invitation) -> list[Unit]:
    return [unit for unit in units_of(invitation) if unit.closed_at is None]


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
    found = usable.select_related("company", "unit", "invited_by").first()
    return found if found and _moment(found.expires_at) == expires else None


def lapse_of(invitation: Invitation) -> str:
    """Why the invitation does not hold any more, in a sentence for who was invited; empty where it does.

    It is its maker's word, and holds as long as she could give it anew. Units that were closed are left out.
    """
    units, inviter = open_units(invitation), invitation.invited_by
    if not units:
        return f"{invitation.unit.name} was closed meanwhile."
    if not may_give(inviter, units, invitation.role, invitation.profile):
        return f"{inviter.name} may no longer invite you so."
    return ""


@transaction.atomic
def accept(*, token: str, name: str, password: str) -> User:
    """Make the person a user of the company, with her role and profile. Raises RefusedError where the link is used up."""
    invitation = invitation_for(token)
    held = invitation and Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
    if invitation is None or held is None or held.accepted_at or held.withdrawn_at:
        raise RefusedError("This link does not work any more.")
    units = _hold_units(invitation)
    try:
        user = create_user(company=invitation.company, email=invitation.email, name=name, password=password)
        give_profile(user, invitation.profile)
    except (ValidationError, IntegrityError, Profile.DoesNotExist) as error:  # the address was taken meanwhile
        raise RefusedError("This link does not work any more.") from error
    for unit in units:
        add_member(unit=unit, user=user, role=invitation.role)
    Invitation.objects.filter(pk=held.pk).update(accepted_at=Now())
    _record(invitation, units, user, "invitation")
    return user


def _hold_units(invitation: Invitation) -> list[Unit]:
    """Those to join, held so that none is closed meanwhile. Raises RefusedError."""
    held = Unit.objects.filter(pk__in=_ids(units_of(invitation))).order_by("pk").select_for_update(no_key=True)
    units = {unit.pk: unit for unit in held}
    invitation.unit = units[invitation.unit_id]
    if lapse := lapse_of(invitation):
        raise RefusedError(lapse)
    return [unit for unit in units.values() if unit.closed_at is None]


def _record(invitation: Invitation, units: Iterable[Unit], actor: User, why: str) -> None:
    joined = why == "invitation"
    fact = Fact(
        company_id=invitation.company_id,
        kind=LedgerEntry.Kind.JOINED if joined else LedgerEntry.Kind.INVITED,
        actor_id=actor.pk,
        to_user_id=actor.pk if joined else None,
        role=invitation.role,
        why=why,
        detail={"invitation": invitation.pk, "profile": invitation.profile},
    )
    record(*(replace(fact, to_unit_id=unit.pk) for unit in units))


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
    context = {"invitation": invitation, "units": open_units(invitation), "link": link}
    body = render_to_string("permissions/invitation_email.txt", context)
    subject = f"{invitation.invited_by.name} invites you to {invitation.company.name} on Fairlead"
    EmailMessage(subject=" ".join(subject.split()), body=body, to=[invitation.email]).send()
