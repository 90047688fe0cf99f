"""For who lost her phone and her recovery codes: her second factor is taken away, so that she can set a new one up."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from crm.notifications.services import Message, notify
from crm.organization.models import User
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.profiles.services import people_for

TITLE = "Your two-factor sign-in was switched off"
BODY = "{} did this, so that you can set it up anew. If you did not ask for it, say so now to whoever runs Fairlead."


@transaction.atomic
def reset_second_factor(*, actor: User, people: QuerySet[User]) -> list[User]:
    """Switch it off for those of the people whom she manages, never for herself: who had one. Raises PermissionDenied."""
    if not actor.has_perm(Permission.MANAGE_USERS):
        raise PermissionDenied("This is for those who manage people.")
    return switch_off(people_for(actor).filter(pk__in=people.values("pk")).exclude(pk=actor.pk), actor=actor)


@transaction.atomic
def switch_off(people: QuerySet[User], *, actor: User | None = None) -> list[User]:
    """The people, of one company, who had one; each is told. Without an actor, whoever runs the server did it."""
    had = list(people.filter(Exists(Authenticator.objects.filter(user=OuterRef("pk")))).order_by("pk"))
    Authenticator.objects.filter(user__in=had).delete()
    record(*(_fact(user, actor) for user in had))
    body = BODY.format(actor.name if actor else "Whoever runs the server")
    if had:
        url = reverse("mfa_index")
        notify(had[0].company_id, [Message(one.pk, "second_factor", TITLE, body=body, url=url) for one in had])
    return had


def _fact(user: User, actor: User | None) -> Fact:
    return Fact(
        company_id=user.company_id,
        kind=LedgerEntry.Kind.POLICY_CHANGED,
        actor_id=actor.pk if actor else None,
        to_user_id=user.pk,
        why="second factor switched off",
    )
