"""Viewing the product as another person (V7): reading only, for an hour at most, within what the viewer may see herself."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists

from crm.organization import viewing
from crm.organization.models import Unit, User
from crm.organization.querysets import UserQuerySet
from crm.organization.viewing import Viewing
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.profiles.services import manages_company


def may_view_as(viewer: User) -> bool:
    """Whether she has both the verb and the reach, which is the company."""
    return viewer.has_perm(Permission.MANAGE_USERS) and manages_company(viewer)


def viewable_by(viewer: User) -> UserQuerySet:
    """Whom she may view as: everybody she may choose (O6) but herself, if she may at all. One query."""
    whole = Unit.objects.managed_by(viewer).filter(kind=Unit.Kind.COMPANY)
    others: UserQuerySet = User.objects.can_be_seen_by(viewer).exclude(pk=viewer.pk)
    allowed = others.filter(Exists(whole)) if viewer.has_perm(Permission.MANAGE_USERS) else others.none()
    return allowed.select_related("company", "holding__profile")


@transaction.atomic
def begin(*, viewer: User, person: User, session: SessionBase) -> None:
    """From the next request on she sees the product as this person. Raises PermissionDenied."""
    if not viewable_by(viewer).filter(pk=person.pk).exists():
        raise PermissionDenied("You may not view the product as this person.")
    begun = viewing.begin_viewing(session, viewer.pk, person.pk)
    until = datetime.fromtimestamp(begun.until, UTC)
    _record(viewer, begun, "begun", {"until": until.isoformat()})


@transaction.atomic
def end(*, viewer: User, session: SessionBase) -> None:
    """She is herself again. Where she viewed as nobody, nothing happens."""
    ended = viewing.viewing_in(session)
    viewing.end_viewing(session)
    if ended:
        _record(viewer, ended, "ended")


def _record(viewer: User, of: Viewing, why: str, detail: dict[str, str] | None = None) -> None:
    record(
        Fact(
            company_id=viewer.company_id,
            kind=LedgerEntry.Kind.VIEWED_AS,
            actor_id=viewer.pk,
            to_user_id=of.person_id,
            why=why,
            detail=detail,
        )
    )


def person_seen(viewer: User, of: Viewing) -> User | None:
    """The person, limited to what the viewer may see; None where viewing as her is over, whatever the session says."""
    person = viewable_by(viewer).filter(pk=of.person_id).first()
    if person is not None:
        person.seen_through = viewer
        person.is_staff = person.is_staff and viewer.is_staff
    return person
