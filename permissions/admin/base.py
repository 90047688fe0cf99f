"""The one base class of the admin's pages and inlines: a company's rows, and choices only of what is hers to see (O6)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, ShowFacets, TabularInline, display
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import BaseModelAdmin, IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.core.paginator import Paginator
from django.db import IntegrityError, models
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.core.doors import door
from crm.organization.people import signed_in
from permissions.admin.filters import CompanyFilter, choices_for
from permissions.admin.forms import CompanyForm, CompanyFormSet, Refusal
from permissions.admin.site import METHODS, READ, site
from permissions.catalog import Permission

MOMENT = "Somebody saved the same at this moment. Look again, and save once more."
LOOKUPS = {"exact", "in", "isnull", "gt", "gte", "lt", "lte", "year", "month", "day"}


class WithinCompany(BaseModelAdmin):  # type: ignore[type-arg]
    """What pages and inlines have in common. `company_path` leads from a row to its company."""

    verb: ClassVar[Permission]
    company_path = "company"
    addable, deletable = True, False
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

    def _bound(self, request: HttpRequest, form: type[forms.ModelForm[Any]]) -> type[forms.ModelForm[Any]]:
        """The form class for who asks, and what the last try to save it was refused for."""
        known = {"actor": signed_in(request), "refusal": getattr(request, "refusal", None)}
        return type(form.__name__, (form,), known)

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
        return self.addable and self._may(request)

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
        unwanted = [
            None,
            *([] if self.addable else ["add"]),
            *([] if self.deletable else ["delete"]),
        ]  # None: an old one
        patterns = [one for one in super().get_urls() if (one.name and one.name.rpartition("_")[2]) not in unwanted]
        for pattern in patterns:
            methods = READ if str(pattern.name).endswith("_history") else METHODS
            pattern.callback = door(*methods, verb=self.verb)(pattern.callback)
        return patterns

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return self._bound(request, super().get_form(request, obj, change, **kwargs))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Held while it is changed, so that two who save at once come one after the other."""
        found = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST":
            return found
        return self.model._default_manager.select_for_update(no_key=True).filter(pk=found.pk).first()

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """What is refused on saving rolls back, and the page is shown again saying so."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
        except IntegrityError:
            request.refusal = Refusal(MOMENT)  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().render_change_form(request, context, *args, **kwargs)
        response.status_code = 422 if context["errors"] else 200
        return response

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

    @display(description="")
    def action_checkbox(self, obj: Any) -> SafeString:
        return format_html('<input type="checkbox" name="_selected_action" value="{}" aria-label="{}">', obj.pk, obj)

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Paginator[Any]:
        """The history comes this way too: what colleagues did, the latest first."""
        if queryset.model is LogEntry:
            queryset = queryset.filter(pk__in=self.admin_site.get_log_entries(request)).order_by("-action_time", "-pk")
        return super().get_paginator(request, queryset, per_page, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """A select left on “any” sends nothing to look for."""
        asked = request.GET.copy()
        for name in [name for name, value in asked.items() if not value]:
            del asked[name]
        request.GET = asked  # type: ignore[assignment]
        return super().changelist_view(request, extra_context)

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

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except (Refusal, ProtectedError):
            messages.warning(request, "It came into use at this moment, and stays.")
            return redirect(request.path)

    def why_kept(self, obj: Any) -> str:
        """Why the row cannot be deleted, or nothing."""
        return ""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's own way would read, and show, every row that refers to these."""
        return [], {}, set(), [why for obj in objs if (why := self.why_kept(obj))]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Of another company and not there are the same."""
        raise Http404

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"{obj} is added.")
        return self._back(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"{obj} is saved.")
        return self._back(request, obj)

    def _back(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """To the list; to Today where she has just shut herself out."""
        return self.response_post_save_change(request, obj) if site.lets_in(request) else redirect("today")


class CompanyInline(WithinCompany, TabularInline):  # type: ignore[type-arg]
    """Rows that belong to another row, on its page."""

    extra = 1
    can_delete = False
    formset = CompanyFormSet

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs.setdefault("form", self._bound(request, self.form))
        return super().get_formset(request, obj, **kwargs)
