"""Who is where: units, members, and who manages whom (words of product.md, section 1; O6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import BaseUserManager
from django.db import models
from django.db.models import Exists, F, Q
from django.db.models.expressions import RawSQL

from crm.organization.managing import PEOPLE_MANAGED, UNITS_MANAGED

if TYPE_CHECKING:
    from crm.organization.models import Membership, Unit, User

MANAGES = ("owner", "admin")


def within(units: Any, prefix: str = "") -> Q:
    """`prefix` unit is one of `units` or below one of them; the tree is at most three deep (O2)."""
    return (
        Q(**{f"{prefix}id__in": units})
        | Q(**{f"{prefix}parent__in": units})
        | Q(**{f"{prefix}parent__parent__in": units})
    )


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> MembershipQuerySet:
        return self.filter(ended_at=None)

    def lasting(self) -> MembershipQuerySet:
        """Current ones, and those that ended when the person left the company: her managers of then stay her managers."""
        return self.filter(Q(ended_at=None) | Q(user__left_at__isnull=False, ended_at__gte=F("user__left_at")))


class UnitQuerySet(models.QuerySet["Unit"]):
    def of(self, user: User) -> UnitQuerySet:
        """The door: units of her company."""
        return self.filter(company=user.company_id)

    def open(self) -> UnitQuerySet:
        return self.filter(closed_at=None)

    def managed_by(self, user: User) -> UnitQuerySet:
        """Units in which, or above which, she has role owner or admin now."""
        return self.of(user).filter(pk__in=RawSQL(UNITS_MANAGED, [user.pk]))  # noqa: S611  # a constant

    def concerning(self, user: User) -> list[tuple[int, str, bool, bool]]:
        """Units she manages or joined, in one query: id, kind, whether she manages it, whether she joined it."""
        managed, joined = Q(pk__in=self.managed_by(user).values("pk")), Q(pk__in=self.joined_by(user).values("pk"))
        found = self.of(user).filter(managed | joined).annotate(managed=managed, joined=joined)
        return list(found.values_list("pk", "kind", "managed", "joined"))

    def joined_by(self, user: User) -> UnitQuerySet:
        """Units she is a current direct member of, in any role."""
        return self.of(user).filter(memberships__user=user, memberships__ended_at=None).distinct()

    def can_be_seen_by(self, user: User) -> UnitQuerySet:
        """Open units she may choose (O6): those she manages with all above them, and her own."""
        from crm.organization.models import Unit

        managed, joined = Unit.objects.managed_by(user), Unit.objects.joined_by(user)
        return (
            self.of(user)
            .open()
            .filter(
                Q(pk__in=joined.values("pk"))
                | Q(pk__in=managed.values("pk"))
                | Q(pk__in=managed.values("parent"))
                | Q(pk__in=managed.values("parent__parent"))
            )
        )


class UserQuerySet(models.QuerySet["User"]):
    def of(self, user: User) -> UserQuerySet:
        """The door: people of her company."""
        return self.filter(company=user.company_id)

    def active(self) -> UserQuerySet:
        return self.filter(is_active=True)

    def managed_by(self, user: User) -> UserQuerySet:
        """People with role member in a unit she manages, now or when they left; never upward."""
        return self.of(user).filter(pk__in=RawSQL(PEOPLE_MANAGED, [user.pk]))  # noqa: S611  # a constant

    def not_managed_by(self, user: User) -> UserQuerySet:
        """People of her company whom she does not manage."""
        return self.of(user).exclude(pk__in=RawSQL(PEOPLE_MANAGED, [user.pk]))  # noqa: S611  # a constant

    def can_be_seen_by(self, user: User) -> UserQuerySet:
        """Active people she may choose (O6): herself and the members of the units she may choose; a company manager all."""
        from crm.organization.models import Membership, Unit

        seen = Unit.objects.can_be_seen_by(user)
        members = Membership.objects.current().filter(unit__in=seen)
        whole = Unit.objects.managed_by(user).filter(kind="company")
        return self.of(user).active().filter(Q(pk=user.pk) | Q(pk__in=members.values("user")) | Exists(whole))


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, email: str | None) -> User:
        user: User = self.get(email__iexact=email or "")
        return user

    def create_user(self, *, email: str, password: str | None = None, **fields: Any) -> User:
        user: User = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user
