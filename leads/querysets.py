"""Reads of leads beyond the access door: what lists fetch, and phrases that services share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Lower, Now

from crm.organization.models import Unit, User
from permissions.access import Keyring, Level
from permissions.catalog import Permission
from permissions.door import AccessQuerySet, doable, seen_by
from permissions.models import LedgerEntry
from permissions.verbs import Verb

if TYPE_CHECKING:
    from leads.models import (
        Activity,
        Batch,
        Conflict,
        ImportRun,
        ImportTemplate,
        Lead,
        MessageTemplate,
        OwnershipRequest,
        Pond,
        SavedView,
        Source,
        Task,
    )


def sources_in_sight(keyring: Keyring) -> models.QuerySet[Source]:
    """The company's sources that some lead she may read has: the names of others' sources are theirs."""
    from leads.models import Lead, Source

    hers = Lead.objects.visible_to(keyring, Level.VIEW).filter(source=models.OuterRef("pk"))
    return Source.objects.filter(models.Exists(hers), company=keyring.company_id).order_by("name", "pk")


class LeadQuerySet(AccessQuerySet["Lead"]):
    def for_rows(self) -> Self:
        """With the names a list row shows, in one query."""
        return self.select_related("stage", "source", "owner_unit", "owner_user", "agent", "origin_unit")

    def in_id_order(self) -> Self:
        """Locked for a change, in the one order every writer takes, so that no two can block each other."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)

    def handed_over_by(self, user: User) -> Self:
        """The door to asking for them back, seen or not (P4): the last change of their owner was by her own hand, and took
        them from her or from a unit that she manages.
        """
        hers = models.Q(from_user_id=user.pk) | models.Q(from_unit_id__in=Unit.objects.managed_by(user).values("pk"))
        changes = LedgerEntry.objects.filter(lead_id=models.OuterRef("pk"), kind=LedgerEntry.Kind.OWNER_CHANGED)
        given = LedgerEntry.objects.filter(hers, pk=models.OuterRef("last"), actor=user)
        there = self.none() if user.seen_through else self.filter(company=user.company_id, removed_at=None)
        return there.alias(last=models.Subquery(changes.order_by("-pk").values("pk")[:1])).filter(models.Exists(given))


class ActivityQuerySet(models.QuerySet["Activity"]):
    def newest_first(self) -> ActivityQuerySet:
        return self.order_by("-at", "-pk")


class TemplateQuerySet(models.QuerySet["MessageTemplate"]):
    def usable_by(self, user: User) -> Self:
        """The door: her own, and the company's."""
        return self.filter(models.Q(user=user) | models.Q(user=None), company=user.company_id)

    def by_name(self) -> Self:
        return self.order_by("name", "pk")

    def chosen(self, user: User, kind: str, given: str) -> MessageTemplate | None:
        """The one of this kind that a form names by its id; none where she may not use it, or it names nothing."""
        known = given.isascii() and given.isdecimal() and len(given) < 12
        return self.usable_by(user).filter(kind=kind, pk=int(given)).first() if known else None


class RequestQuerySet(models.QuerySet["OwnershipRequest"]):
    def open(self) -> Self:
        return self.filter(state="open")

    def of(self, user: User) -> Self:
        """The door of whoever asked."""
        return self.filter(company=user.company_id, asked_by=user)

    def for_decision_by(self, keyring: Keyring) -> Self:
        """The door of whoever decides (P4): open ones of others that she may accept, by what accepting does (P3)."""
        releasing = models.Q(kind="release", lead__owner_unit__isnull=False) & doable(keyring, Verb.ASSIGN, "lead__")
        hers = self.open().filter(releasing | doable(keyring, Verb.TRANSFER, "lead__"), company=keyring.company_id)
        return hers.filter(asked_by__is_active=True).exclude(asked_by=keyring.user_id)


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def open(self) -> Self:
        return self.filter(verdict="open")

    def for_decision_by(self, keyring: Keyring) -> Self:
        """The door (C8): those of her company, for its managers."""
        return self.filter(company=keyring.company_id) if manages_all(keyring) else self.none()

    def with_leads(self) -> Self:
        sides = (f"{side}__{owner}" for side in ("known", "arrived") for owner in ("owner_unit", "owner_user", "agent"))
        return self.select_related("known_by", "decided_by", "known__origin_unit", "arrived__origin_unit", *sides)


def manages_all(keyring: Keyring) -> bool:
    """Whether she manages the company; as does whoever sees through her eyes (V7)."""
    return keyring.company is not None and (keyring.within is None or manages_all(keyring.within))


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def of(self, user: User) -> ImportRunQuerySet:
        """The door: a run is seen by the person who made it, and by nobody else; not through her eyes either (V7)."""
        return self.none() if user.seen_through else self.filter(company=user.company_id, created_by=user)

    def silent_for(self, time: timedelta) -> ImportRunQuerySet:
        """Runs that should be going on, but whose worker has given no sign of life for so long."""
        return self.filter(state__in=("reading", "queued", "running"), touched_at__lt=Now() - time)


class ImportTemplateQuerySet(models.QuerySet["ImportTemplate"]):
    def of(self, user: User) -> Self:
        """The door: her own."""
        return self.none() if user.seen_through else self.filter(company=user.company_id, created_by=user)

    def usable_by(self, user: User) -> Self:
        """Her own, and those that others share."""
        shared = models.Q(shared=True) | models.Q(created_by=user)
        return self.none() if user.seen_through else self.filter(shared, company=user.company_id)


class BatchQuerySet(models.QuerySet["Batch"]):
    def of(self, user: User) -> BatchQuerySet:
        """The door: her own, and for managers of the company everybody's but for drafts."""
        whole = Unit.objects.managed_by(user).filter(kind="company")
        others = models.Q(models.Exists(whole)) & ~models.Q(state="draft")
        return self.filter(models.Q(actor=user) | others, company=user.company_id)

    def forsaken(self) -> BatchQuerySet:
        """Those that should be going on, but whose worker has given no sign of life in time."""
        return self.filter(state__in=("queued", "running"), held_until__lt=Now())


class PondQuerySet(models.QuerySet["Pond"]):
    def of(self, user: User) -> PondQuerySet:
        """The door: open ponds of her company."""
        return self.filter(company=user.company_id, closed_at=None)

    def joined_by(self, user: User) -> PondQuerySet:
        return self.of(user).filter(members__user=user)

    def managed_by(self, user: User) -> PondQuerySet:
        """Those she may run: of units she manages, with the permission."""
        if not user.has_perm(Permission.MANAGE_POND):
            return self.none()
        return self.of(user).filter(unit__in=Unit.objects.managed_by(user).values("pk"))

    def can_be_seen_by(self, user: User) -> PondQuerySet:
        """Those she may choose: her own, and those of the units she may choose (O6)."""
        hers = models.Q(pk__in=self.joined_by(user).values("pk"))
        return self.of(user).filter(hers | models.Q(unit__in=Unit.objects.can_be_seen_by(user).values("pk")))


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: User, keyring: Keyring) -> Self:
        """The door: those about leads she may read; of the others her own, and those she gave somebody."""
        about_a_lead = models.Q(lead__isnull=False) & seen_by(keyring, Level.VIEW, "lead__")
        hers = models.Q(lead=None) & (models.Q(user=user) | models.Q(created_by=user))
        return self.filter(about_a_lead | hers, company=user.company_id, dropped_at=None)

    def for_anyone(self, keyring: Keyring) -> Self:
        """Those of nobody, on leads she may work."""
        return self.filter(seen_by(keyring, Level.WORK, "lead__"), user=None, lead__isnull=False)

    def open(self) -> Self:
        return self.filter(done_at=None, dropped_at=None)

    def with_names(self) -> Self:
        return self.select_related("lead__stage", "user", "done_by", "created_by")


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def of(self, user: User) -> Self:
        """The door: her own, though not through others’ eyes (V7), and those shared with her units or ones above them."""
        joined = Unit.objects.joined_by(user)
        there = models.Q(unit__closed_at=None) & (
            models.Q(unit__in=joined.values("pk"))
            | models.Q(unit__in=joined.values("parent"))
            | models.Q(unit__in=joined.values("parent__parent"))
        )
        shared = self.filter(there, company=user.company_id)
        return shared if user.seen_through else shared | self.filter(company=user.company_id, created_by=user)

    def with_names(self) -> Self:
        return self.select_related("created_by", "unit")

    def by_name(self) -> Self:
        return self.order_by(Lower("name"), "pk")

    def opened(self, user: User, given: str) -> SavedView | None:
        """The one an address names by its id; none where it is not there for her, or names nothing."""
        known = given.isascii() and given.isdecimal() and len(given) < 12
        return self.of(user).with_names().filter(pk=int(given)).first() if known else None
