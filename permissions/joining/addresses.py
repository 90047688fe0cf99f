"""A new e-mail address for a person: proposed by a broker, and hers only once she has confirmed it herself.

Whoever could write another's address could have a password sent there and sign in as her.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse

from crm.notifications.services import Message, notify
from crm.organization.models import User
from permissions.catalog import Permission
from permissions.profiles.services import RefusedError, people_for


@transaction.atomic
def propose_address(*, actor: User, user: User, email: str) -> None:
    """Ask her, at her present address, whether it should be `email`. Says nothing about whose that may be already."""
    if not actor.has_perm(Permission.MANAGE_USERS) or not people_for(actor).filter(pk=user.pk).exists():
        raise PermissionDenied("This is for those who manage her.")
    User.objects.filter(pk=user.pk).update(new_email=email.strip().lower())
    title = f"{actor.name} proposes another e-mail address for you to sign in with"
    body = "It holds once you confirm it. If you did not expect this, refuse it."
    notify(user.company_id, [Message(user.pk, "address", title, body, reverse("new-address"))])


@transaction.atomic
def answer_address(*, user: User, email: str, accepted: bool) -> None:
    """Take the proposed address `email`, or refuse it. Raises RefusedError where it is proposed no longer, or taken."""
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not email or held.new_email != email:
        raise RefusedError("This address is proposed no longer.")
    taken = User.objects.filter(email=email).exists()
    held.new_email = ""
    if accepted and not taken:
        held.email = email
    try:
        with transaction.atomic():
            held.save(update_fields=["email", "new_email"])
    except IntegrityError:
        taken = True
    EmailAddress.objects.filter(user=held).delete()  # the sign-in library's own note of the address before
    if accepted and taken:
        raise RefusedError("This address cannot be used.")
