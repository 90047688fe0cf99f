"""Connecting channels, changing and closing them (C1, C2), each with its fact in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from crm.core.moments import database_now
from crm.organization.models import Unit, User
from crm.organization.querysets import UnitQuerySet, within
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from routing.capture.keys import OLD_LASTS, ending_of, has_old_key, new_secret
from routing.models import Channel

KIND = Channel.Kind
OF_UNITS = frozenset({KIND.WEBSITE})  # what is one's own cannot be a unit's, and the other way round
OF_PEOPLE = frozenset({KIND.AGENT_SITE})
WITH_FORM = frozenset({KIND.WEBSITE, KIND.AGENT_SITE, KIND.FORM})  # those that have a form of ours (C9)
THIRD_PARTY = frozenset({KIND.EVENTS, KIND.ADF, KIND.FORM, KIND.JSON})
NOT_MANAGED = "This is for whoever manages the channel."
NOT_HIDDEN = "Only leads of your own can start hidden, and only if your profile includes hiding."


class OldKeyGoodError(Exception):
    """The key before is still good, and a new one would end it."""


@dataclass(frozen=True)
class Settings:
    """What is set of a channel. A unit's leads follow the routing of `routing_unit`; a person's stay with her."""

    name: str
    owner: Unit | User
    routing_unit: Unit | None = None
    hidden: bool = False
    signing_secret: str = ""
    access_token: str = ""
    form_title: str = ""
    form_consent: str = ""

    def columns(self) -> dict[str, Any]:
        of_unit = isinstance(self.owner, Unit)
        return {
            "name": self.name,
            "owner_unit": self.owner if of_unit else None,
            "owner_user": None if of_unit else self.owner,
            "routing_unit": (self.routing_unit or self.owner) if of_unit else None,
            "hidden": self.hidden and not of_unit,
            "signing_secret": self.signing_secret,
            "access_token": self.access_token,
            "form_title": self.form_title,
            "form_consent": self.form_consent,
        }


def units_for(actor: User, kind: str) -> UnitQuerySet:
    """The units that may own such a channel of hers: those she manages; of other third parties also those she is in."""
    units = Unit.objects.of(actor).open()
    if kind in OF_PEOPLE:
        return units.none()
    managed = Q(pk__in=Unit.objects.managed_by(actor).values("pk"))
    joined = Q(pk__in=Unit.objects.joined_by(actor).values("pk"))
    return units.filter(managed | joined if kind in THIRD_PARTY else managed)


def kinds_for(actor: User) -> list[tuple[str, str]]:
    """The kinds of which she can connect one, with their labels: a unit's only where she manages a unit."""
    manages = units_for(actor, KIND.WEBSITE).exists()
    return [(kind.value, str(kind.label)) for kind in KIND if manages or kind not in OF_UNITS]


def routers_for(owner: Unit) -> UnitQuerySet:
    """Whose routing the channel of a unit may follow: its own, or that of a unit below it, whose people may work its
    leads (M1).
    """
    units: UnitQuerySet = Unit.objects.filter(within([owner.pk]), company=owner.company_id)
    return units.open()


@transaction.atomic
def connect(*, actor: User, kind: str, settings: Settings) -> Channel:
    """Connect a channel with a secret of its own. Raises PermissionDenied for an owner or routing that is not hers."""
    _check(actor, kind, settings)
    made = Channel.objects.create(
        company=actor.company, kind=kind, secret=new_secret(), created_by=actor, **settings.columns()
    )
    made.refresh_from_db()
    _record(actor, made, "connected")
    return made


@transaction.atomic
def change(*, actor: User, channel: Channel, settings: Settings) -> None:
    """Raises PermissionDenied as `connect` does."""
    held = _hold(actor, channel)
    if settings.owner != held.owner:
        raise PermissionDenied("The owner of a channel stays. Connect another one.")
    _check_hidden(actor, settings)
    _check_router(settings)
    Channel.objects.filter(pk=held.pk).update(**settings.columns())
    _record(actor, held, "changed")


@transaction.atomic
def rotate(*, actor: User, channel: Channel, ending: str = "") -> Channel:
    """Give it a new secret. The one before is good for a week more, so that nothing is lost while senders change.

    There is room for one before: `ending` says which older one, by when it would have ended, is to end at once. Raises
    OldKeyGoodError where one is still good that was not named.
    """
    held = _hold(actor, channel)
    if has_old_key(held, database_now()) and ending != ending_of(held):
        raise OldKeyGoodError
    values: dict[str, Any] = {"secret": new_secret(), "old_secret": held.secret, "old_until": Now() + OLD_LASTS}
    Channel.objects.filter(pk=held.pk).update(**values)
    _record(actor, held, "key changed")
    held.refresh_from_db()
    return held


@transaction.atomic
def forget_old(*, actor: User, channel: Channel) -> None:
    """Refuse the secret before at once."""
    held = _hold(actor, channel)
    Channel.objects.filter(pk=held.pk).update(old_secret="", old_until=None)
    _record(actor, held, "old key ended")


@transaction.atomic
def close(*, actor: User, channel: Channel, closed: bool) -> None:
    """Close it, so that it takes nothing any more, or open it again."""
    held = _hold(actor, channel)
    Channel.objects.filter(pk=held.pk).update(closed_at=Now() if closed else None)
    _record(actor, held, "closed" if closed else "opened again")


def _check(actor: User, kind: str, settings: Settings) -> None:
    owner = settings.owner
    _check_hidden(actor, settings)
    if isinstance(owner, User):
        if owner != actor or kind in OF_UNITS:
            raise PermissionDenied("Connect channels of your own, or of units that you manage.")
        return
    if not units_for(actor, kind).filter(pk=owner.pk).exists():
        raise PermissionDenied("Only who manages the unit connects this for it.")
    _check_router(settings)


def may_hide(actor: User, owner: Unit | User | None) -> bool:
    """Whether leads of such a channel may start hidden (V4). What comes by it is asked again, of its owner then."""
    return owner == actor and actor.has_perm(Permission.HIDE_LEAD)


def _check_hidden(actor: User, settings: Settings) -> None:
    if settings.hidden and not may_hide(actor, settings.owner):
        raise PermissionDenied(NOT_HIDDEN)


def _check_router(settings: Settings) -> None:
    owner, router = settings.owner, settings.routing_unit
    if isinstance(owner, Unit) and router and not routers_for(owner).filter(pk=router.pk).exists():
        raise PermissionDenied("Its leads can follow the routing of its owner, or of a unit below.")


def _hold(actor: User, channel: Channel) -> Channel:
    held = Channel.objects.managed_by(actor).select_related("owner_unit", "owner_user")
    found = held.select_for_update(of=("self",), no_key=True).filter(pk=channel.pk).first()
    if found is None:
        raise PermissionDenied(NOT_MANAGED)
    return found


def _record(actor: User, channel: Channel, did: str) -> None:
    record(
        Fact(
            company_id=channel.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=actor.pk,
            to_unit_id=channel.owner_unit_id,
            to_user_id=channel.owner_user_id,
            why="channel",
            detail={"channel": channel.pk, "change": did, "name": channel.name},
        )
    )
