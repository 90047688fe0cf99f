"""The one door to grants on single objects: django-guardian's tables with direct foreign keys, and an end date.

A room that has something to grant subclasses `Grant` with a `content_object`. The end date is part of the rule that reads
the grant, so a grant ends by itself and no clean-up job is needed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Self

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from guardian.models import UserObjectPermissionBase  # noqa: TID251  # here and nowhere else

from crm.organization.models import Company, User


class GrantQuerySet(models.QuerySet[Any]):
    def live(self) -> Self:
        """Those that hold now, by the database's clock."""
        return self.filter(Q(until=None) | Q(until__gt=Now()))

    def to(self, company_id: int, people: Collection[int]) -> Self:
        return self.filter(company=company_id, user__in=people)


class Grant(UserObjectPermissionBase):
    """A permission on one object for one person, given by somebody, for ever or `until` a moment."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    given_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def grants(cls) -> GrantQuerySet:
        """The door to this kind of grant."""
        return GrantQuerySet(cls)

    @property
    def verb(self) -> str:
        return str(self.permission.codename)


def permission_on(model: type[models.Model], verb: str) -> Permission:
    """The permission `verb` (a codename) on a model. Raises Permission.DoesNotExist."""
    return Permission.objects.get(content_type=ContentType.objects.get_for_model(model), codename=verb)


def give(
    grants: type[Grant], *, obj: models.Model, user: User, verb: str, given_by: User, until: datetime | None
) -> Any:
    """Grant `verb` on `obj`; one that she had on it is replaced."""
    which: dict[str, Any] = {"user": user, "content_object": obj}
    values = {"company_id": user.company_id, "permission": permission_on(type(obj), verb)}
    grants.grants().filter(**which).delete()
    return grants.grants().create(**which, **values, given_by=given_by, until=until)
