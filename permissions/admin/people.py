"""People in the admin: who they are, what they may do, and where they are a member (O1, O3, O7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, action, display, register
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from crm.core.moments import MomentField, MomentInput
from crm.core.templatetags.core import ahead
from crm.organization.models import Membership, Unit, User
from crm.organization.people import signed_in
from permissions.admin.base import CompanyAdmin, CompanyInline
from permissions.admin.filters import RoleFilter, UnitFilter
from permissions.admin.forms import CompanyForm, refusing
from permissions.admin.site import site
from permissions.catalog import Permission
from permissions.joining.addresses import propose_address
from permissions.joining.memberships import end_role, give_role
from permissions.joining.second_factor import reset_second_factor

AWAY = Q(available=False) | Q(out_of_office_until__gt=Now())


class PersonForm(CompanyForm):
    """Her e-mail is proposed and not written: she confirms it, since whoever reads its mail can sign in as her."""

    address = forms.EmailField(
        label="E-mail",
        help_text="What she signs in with. She is asked to confirm a new one before it holds.",
    )

    class Meta:
        help_texts = {"available": "Off: no new leads are offered to her.", "phone": ""}
        labels = {"available": "Takes leads"}
        field_classes = {"out_of_office_until": MomentField}
        widgets = {"out_of_office_until": MomentInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["address"] = self.instance.email


class MembershipForm(CompanyForm):
    """A unit is chosen once; a role can be changed. A member added once more gets the role instead."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unit: Any = self.fields["unit"]
        unit.empty_label = "Add to …"
        if not self.instance._state.adding:
            unit.disabled, unit.queryset = True, unit.queryset.filter(pk=self.instance.unit_id)


class MembershipInline(CompanyInline):
    model = Membership
    form = MembershipForm
    verb = Permission.MANAGE_USERS
    verbose_name_plural = "Units and roles"
    fields = ("unit", "role")
    can_delete = deletable = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).current()  # type: ignore[attr-defined]
        return rows.select_related("unit").order_by("unit__name", "pk")


class StateFilter(SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("active", "Taking leads"), ("paused", "Paused"), ("left", "Left")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        states = {"active": Q(is_active=True) & ~AWAY, "paused": Q(is_active=True) & AWAY, "left": Q(is_active=False)}
        return queryset.filter(states.get(self.value() or "", Q()))


@register(User, site=site)
class PersonAdmin(CompanyAdmin):
    verb = Permission.MANAGE_USERS
    words = "Who works here: names and addresses, the units they are in, their roles. Invite people from a unit."
    form = PersonForm
    addable = False  # people come by invitation (O7)
    inlines = (MembershipInline,)
    readonly_fields = ("profile",)
    list_display = ("name", "email", "units", "profile_name", "state")
    list_select_related = ("holding__profile",)
    list_filter = (UnitFilter, RoleFilter, "holding__profile", StateFilter)
    search_fields = ("name", "email", "phone")
    date_hierarchy = "created_at"
    ordering = ("name", "pk")
    actions = ("pause", "resume", "switch_off_second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        places = Membership.objects.current().select_related("unit").order_by("unit__name", "pk")
        return super().get_queryset(request).prefetch_related(Prefetch("memberships", places, to_attr="places"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_active)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is not None and not obj.is_active:
            return ["name", "email", "phone", "time_zone", "profile", "left_at"]
        return ["name", "address", "phone", "time_zone", "profile", "available", "out_of_office_until"]

    @display(description="Units")
    def units(self, person: Any) -> str:
        return ", ".join(
            place.unit.name if place.role == Membership.Role.MEMBER else f"{place.unit.name} ({place.role})"
            for place in person.places
        )

    @display(description="Profile", ordering="holding__profile__name", empty_value="None")
    def profile_name(self, person: Any) -> str:
        holding = getattr(person, "holding", None)
        return holding.profile.name if holding else ""

    @display(description="Profile")
    def profile(self, person: Any) -> str:
        there = f"{reverse('profile-people')}?{urlencode({'q': person.name})}"
        return format_html('<a href="{}">{}</a>', there, self.profile_name(person) or "None")

    @display(description="State")
    def state(self, person: Any) -> str:
        here = person.available and not ahead(person.out_of_office_until)
        tone, words = ("good", "Taking leads") if here else ("warn", "Paused")
        if not person.is_active:
            tone, words = "neutral", "Left"
        return format_html('<span class="chip is-plain" data-tone="{}"><span class="dot"></span>{}</span>', tone, words)

    # --- Changing -------------------------------------------------------------------------------------------------

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """What was done elsewhere, such as giving her another profile, is in the ledger."""
        person = self.get_object(request, object_id)
        query = urlencode({"person": person.email}) if person else ""
        sees = request.user.has_perm(Permission.VIEW_LEDGER)
        context = {"in_ledger": f"{reverse('admin:ledger')}?{query}" if sees else ""}
        return super().history_view(request, object_id, context | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        written = [name for name in form.changed_data if name != "address"]
        obj.save(update_fields=written)
        if "address" in form.changed_data:
            with refusing(form, "address"):
                propose_address(actor=signed_in(request), user=obj, email=form.cleaned_data["address"])
            messages.info(request, f"{obj.name} is asked to confirm the new address.")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)  # says what changed, for the history
        actor, user = signed_in(request), form.instance
        for row, unit in _rows(formset):
            if row in formset.deleted_forms:
                with refusing(row):
                    end_role(actor=actor, user=user, unit=unit)
            else:
                with refusing(row, "role"):
                    give_role(actor=actor, user=user, unit=unit, role=row.cleaned_data["role"])

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        said: list[dict[str, Any]] = super().construct_change_message(request, form, [], add)
        for formset in formsets or []:
            for row, unit in _rows(formset):
                role = "ended" if row in formset.deleted_forms else row.instance.get_role_display()
                said.append({"changed": {"fields": ["role"], "name": "unit", "object": f"{unit}: {role}"}})
        return said

    @action(description="Pause: offer no new leads")
    def pause(self, request: HttpRequest, people: QuerySet[Any]) -> None:
        self._take_leads(request, people, available=False)

    @action(description="Take leads again")
    def resume(self, request: HttpRequest, people: QuerySet[Any]) -> None:
        self._take_leads(request, people, available=True)

    @action(description="Switch off two-factor sign-in of who lost it")
    def switch_off_second_factor(self, request: HttpRequest, people: QuerySet[Any]) -> None:
        changed = reset_second_factor(actor=signed_in(request), people=people)
        self._say(request, changed, "Two-factor sign-in", "signing in by password alone until it is set up anew")

    def _take_leads(self, request: HttpRequest, people: QuerySet[Any], *, available: bool) -> None:
        changing = list(people.filter(is_active=True).exclude(available=available, out_of_office_until=None))
        User.objects.filter(pk__in=[one.pk for one in changing]).update(available=available, out_of_office_until=None)
        self._say(request, changing, "Takes leads", "taking leads again" if available else "paused")

    def _say(self, request: HttpRequest, changed: list[User], what: str, words: str) -> None:
        LogEntry.objects.log_actions(signed_in(request).pk, changed, CHANGE, [{"changed": {"fields": [what]}}])
        messages.success(request, f"{', '.join(one.name for one in changed) or 'Nobody'}: {words}.")


def _rows(formset: Any) -> list[tuple[Any, Unit]]:
    """The rows that were changed, added or ended, each with its unit; made-up ones have none."""
    units = ((row, getattr(row.instance, "unit", None)) for row in formset.forms if row.has_changed())
    return [(row, unit) for row, unit in units if unit is not None]


site.add_link(
    "profiles",
    label="Profiles",
    verb=Permission.MANAGE_PROFILES,
    words="What people may do: a grid of their permissions.",
)
