"""Filters of the admin's lists: a select each, which offers what the reader may choose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import RelatedFieldListFilter, SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from crm.organization.models import Membership, Unit, User
from crm.organization.people import signed_in
from crm.organization.querysets import within


def choices_for(actor: User, model: type[Model]) -> QuerySet[Any]:
    """What of `model` she may choose: people and units by O6, rows of her company, and of anything else nothing."""
    if model is User or model is Unit:
        seen: QuerySet[Any] = model.objects.can_be_seen_by(actor)
        return seen.order_by("name", "pk")
    rows = model._default_manager
    is_ours = any(field.name == "company" for field in model._meta.concrete_fields)
    return rows.filter(company=actor.company_id).order_by("pk") if is_ours else rows.none()


class CompanyFilter(RelatedFieldListFilter):
    """By a relation, of which it lists what she may choose."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        return [(row.pk, str(row)) for row in choices_for(signed_in(request), field.remote_field.model)]


class UnitFilter(SimpleListFilter):
    """People who are now in a unit or below it."""

    title, parameter_name = "unit", "unit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(unit.pk), unit.name) for unit in choices_for(signed_in(request), Unit)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        chosen = [pk for pk, _ in self.lookup_choices if pk == self.value()]
        units = list(Unit.objects.filter(within(chosen)).values_list("pk", flat=True))
        return queryset.filter(pk__in=Membership.objects.current().filter(unit__in=units).values("user"))


class RoleFilter(SimpleListFilter):
    """People who now have a role in some unit."""

    title, parameter_name = "role", "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Membership.Role.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        here = Membership.objects.current().filter(company=signed_in(request).company_id, role=self.value())
        return queryset.filter(pk__in=here.values("user"))
