"""The one base class of the admin's pages and inlines: a company's rows, and choices only of what is hers to see (O6)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, RelatedFieldListFilter, ShowFacets, TabularInline
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import BaseModelAdmin, IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern

from crm.core.doors import door
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from permissions.admin.site import METHODS, site
from permissions.catalog import Permission

LOOKUPS = {"exact", "in", "isnull", "gt", "gte", "lt", "lte", "year", "month", "day"}


def choices_for(actor: User, model: type[models.Model]) -> models.QuerySet[Any]:
    """What of `model` she may choose: people and units by O6, rows of her company, and of anything else nothing."""
    if model is User or model is Unit:
        seen: models.QuerySet[Any] = model.objects.can_be_seen_by(actor)
        return seen.order_by("name", "pk")
    rows = model._default_manager
    is_ours = any(field.name == "company" for field in model._meta.concrete_fields)
    return rows.filter(company=actor.company_id).order_by("pk") if is_ours else rows.none()


class CompanyFilter(RelatedFieldListFilter):
    """A filter by a relation, which lists what she may choose."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        rows = choices_for(signed_in(request), field.remote_field.model)
        return [(row.pk, str(row)) for row in rows]


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[M] at run time
    """A form for a row of the company of `actor`, checked against the constraints that name the company too."""

    actor: ClassVar[User]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding and hasattr(self.instance, "company_id"):
            self.instance.company_id = self.actor.company_id

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"company"}


class WithinCompany(BaseModelAdmin):  # type: ignore[type-arg]
    """What pages and inlines have in common. `company_path` leads from a row to its company."""

    verb: ClassVar[Permission]
    company_path = "company"
    deletable = False
    form = CompanyForm

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(**{self.company_path: signed_in(request).company_id})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest | None, **kwargs: Any) -> Any:
        """The plain field: Django's own widgets for the admin want scripts. A relation offers what she may choose."""
        if isinstance(db_field, (models.ForeignKey, models.ManyToManyField)):
            assert request is not None
            allowed = choices_for(signed_in(request), db_field.remote_field.model)
            given = kwargs.get("queryset", allowed)
            kwargs["queryset"] = given.filter(pk__in=allowed.order_by().values("pk"))
        return db_field.formfield(**kwargs)

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        """She manages the company, has the verb, and the row, if any, is of her company."""
        actor = signed_in(request)
        own = obj is None or not hasattr(obj, "company_id") or obj.company_id == actor.company_id
        return own and site.has_permission(request) and actor.has_perm(self.verb)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and self._may(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)


class CompanyAdmin(WithinCompany, ModelAdmin):  # type: ignore[type-arg]
    """A model's pages, for managers of the company with `verb`; `words` say on the index what they are for."""

    words: ClassVar[str] = ""
    list_per_page = list_max_show_all = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def get_urls(self) -> list[URLPattern]:
        # one is but the old address of another
        patterns = [
            one for one in super().get_urls() if one.name and (self.deletable or not one.name.endswith("_delete"))
        ]
        for pattern in patterns:
            pattern.callback = door(*METHODS, verb=self.verb)(pattern.callback)
        return patterns

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"actor": signed_in(request)})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [self._limited(one) for one in self.list_filter]

    def _limited(self, one: Any) -> Any:
        related = isinstance(one, str) and get_fields_from_path(self.model, one)[-1].is_relation
        return (one, CompanyFilter) if related else one

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """What the page offers and no more: any other column could be guessed letter by letter."""
        offered = [one if isinstance(one, str) else getattr(one, "parameter_name", one) for one in self.list_filter]
        offered += [self.date_hierarchy] if self.date_hierarchy else []
        path, _, last = lookup.rpartition("__")
        return lookup in offered or (last in LOOKUPS and path.removesuffix("__id") in offered)

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Paginator[Any]:
        """The history comes this way too: what colleagues did, the latest first."""
        if queryset.model is LogEntry:
            queryset = queryset.filter(pk__in=self.admin_site.get_log_entries(request)).order_by("-action_time", "-pk")
        return super().get_paginator(request, queryset, per_page, *args, **kwargs)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            raise Http404 from error

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return False

    def response_action(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        if not all(pk.isdigit() for pk in request.POST.getlist("_selected_action")):
            raise Http404
        return super().response_action(request, queryset)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Of another company and not there are the same."""
        raise Http404

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"{obj} is added.")
        return self.response_post_save_add(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"{obj} is saved.")
        return self.response_post_save_change(request, obj)


class CompanyInline(WithinCompany, TabularInline):  # type: ignore[type-arg]
    """Rows that belong to another row, on its page."""

    extra = 1
    can_delete = False

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs.setdefault("form", type("RowForm", (self.form,), {"actor": signed_in(request)}))
        return super().get_formset(request, obj, **kwargs)
