"""Units in the admin: offices and teams, where they hang, and which teams may change ownership in mass (O2, O5)."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display, register
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import Concat, Lower
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from crm.organization.models import Unit
from crm.organization.people import signed_in
from permissions.admin.base import CompanyAdmin
from permissions.admin.forms import CompanyForm, refusing
from permissions.admin.site import site
from permissions.catalog import Permission
from permissions.joining.units import add_unit, change_unit

Kind = Unit.Kind
LINE = Case(  # its name after those of the units above it, the company first
    When(kind=Kind.COMPANY, then=Value("")),
    When(parent__kind=Kind.COMPANY, then=Lower("name")),
    default=Concat(Lower("parent__name"), Value("\t"), Lower("name")),
)


class UnitForm(CompanyForm):
    also_checked = frozenset({"company", "closed_at"})

    class Meta:
        labels = {"parent": "Belongs to", "may_change_ownership": "Its managers may change ownership in mass"}
        help_texts = {
            "parent": "An office belongs to the company, a team to an office or the company. Moving it changes at once "
            "who manages its people and its leads.",
            "may_change_ownership": "Managers of the company always may.",
            "time_zone": "Such as America/New_York.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].choices = [(kind.value, kind.label) for kind in (Kind.OFFICE, Kind.TEAM)]  # type: ignore[attr-defined]
        if "parent" in self.fields:
            parent: Any = self.fields["parent"]
            parent.required = True
            parent.queryset = parent.queryset.exclude(kind=Kind.TEAM).exclude(pk=self.instance.pk)


@register(Unit, site=site)
class UnitAdmin(CompanyAdmin):
    verb = Permission.MANAGE_USERS
    words = "The company's offices and teams: how they hang together, and which teams may change ownership in mass."
    form = UnitForm
    list_display = ("name", "kind", "above", "people", "may_change_ownership_too", "invite")
    list_select_related = ("parent",)
    list_filter = ("kind",)
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        members = Count("memberships", filter=Q(memberships__ended_at=None), distinct=True)
        units: QuerySet[Any] = super().get_queryset(request).annotate(members=members)
        return units

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [LINE, "pk"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return ["kind", "name", "parent"]
        if obj.kind == Kind.COMPANY:
            return ["name", "kind", "time_zone"]
        return ["name", "kind", "parent", "time_zone", *(["may_change_ownership"] if obj.kind == Kind.TEAM else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        policy = [] if signed_in(request).has_perm(Permission.MANAGE_POLICY) else ["may_change_ownership"]
        return ["kind", *policy, *(["name"] if obj.kind == Kind.COMPANY else [])]

    @display(description="Belongs to", empty_value="", ordering="parent__name")
    def above(self, unit: Any) -> Any:
        return unit.parent

    @display(description="People", ordering="members")
    def people(self, unit: Any) -> str:
        there = f"{reverse('admin:organization_user_changelist')}?unit={unit.pk}"
        words = f"{unit.members} {'person' if unit.members == 1 else 'people'}"
        return format_html('<a href="{}">{}<span class="visually-hidden"> in {}</span></a>', there, words, unit.name)

    @display(description="Mass ownership", empty_value="", ordering=F("may_change_ownership"))
    def may_change_ownership_too(self, unit: Any) -> str:
        return "Its managers too" if unit.may_change_ownership else ""

    @display(description="Invite")
    def invite(self, unit: Any) -> str:
        there = reverse("invitations", args=[unit.pk])
        return format_html('<a href="{}">Invite<span class="visually-hidden"> to {}</span></a>', there, unit.name)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        with refusing(form, "parent"):
            if change:
                change_unit(actor=signed_in(request), unit=obj, **values)
            else:
                obj.pk = add_unit(actor=signed_in(request), **values).pk
