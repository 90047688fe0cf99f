"""The company's own lists in the admin: stages (L2), sources, custom fields (L1)."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from crm.organization.people import signed_in
from leads.models import CustomField, Lead, SlotRole, Source, Stage
from leads.querysets import sources_in_sight
from leads.services.lists import add_role, open_stage_kept, why_role_stays, why_stage_stays
from leads.views import as_of, erasure, ledger
from leads.views.policy import policy
from permissions.admin.base import CompanyAdmin
from permissions.admin.forms import CompanyForm, refusing
from permissions.admin.site import site
from permissions.catalog import Permission
from permissions.keyring import load_keyring


class StageForm(CompanyForm):
    class Meta:
        labels = {"position": "Order"}
        help_texts = {
            "kind": "New leads start in the first open stage.",
            "position": "The stages are shown from the lowest number to the highest.",
        }


@register(Stage, site=site)
class StageAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = "The steps a lead takes, in their order. New leads start in the first open one."
    form = StageForm
    deletable = True
    fields = ("name", "kind", "position")
    list_display = ("name", "kind", "position")
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("position", "pk")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with refusing(form, "kind"), open_stage_kept(obj.company_id):
            super().save_model(request, obj, form, change)

    def why_kept(self, obj: Any) -> str:
        return why_stage_stays(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with open_stage_kept(obj.company_id):
            super().delete_model(request, obj)


class ListAdmin(CompanyAdmin):
    """Rows that come into being with leads, and can be renamed."""

    verb = Permission.MANAGE_POLICY
    addable = False


@register(Source, site=site)
class SourceAdmin(ListAdmin):
    words = "Where leads come from, as they were named when they were added. Renaming one renames it on every lead."
    fields = ("name",)
    list_display = search_fields = ("name",)
    ordering = ("name", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """Not those that only leads have which she may not read: they would tell of them (V5)."""
        found: QuerySet[Source] = super().get_queryset(request)
        in_sight = sources_in_sight(load_keyring(signed_in(request)))
        in_use = Lead.objects.filter(company=OuterRef("company"), source=OuterRef("pk"))
        return found.filter(Q(pk__in=in_sight.values("pk")) | ~Exists(in_use))


@register(CustomField, site=site)
class CustomFieldAdmin(ListAdmin):
    words = "Your own fields of a lead, which came with imported files."
    fields = ("label", "kind", "choices")
    list_display = ("label", "kind")
    list_filter = ("kind",)
    search_fields = ("label",)
    ordering = ("label", "pk")


@register(SlotRole, site=site)
class SlotRoleAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = "Who can be assigned to a lead beside its Agent, Assistant and Lender: up to ten roles of your own."
    deletable = True
    fields = list_display = search_fields = ("name",)
    ordering = ("name", "pk")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        with refusing(form, "name"):
            made = add_role(signed_in(request).company, obj.name)
        obj.pk, obj.code = made.pk, made.code

    def why_kept(self, obj: Any) -> str:
        return why_role_stays(obj)


site.add_link(
    "ponds",
    label="Ponds",
    verb=Permission.MANAGE_POND,
    words="Shared pools of leads: who is in them, and how many one may take in a day.",
)
site.add_page(
    "policy/",
    policy,
    name="policy",
    verb=Permission.MANAGE_POLICY,
    label="Policy",
    words="Who sees personal leads, and the company’s other rules.",
)
site.add_page(
    "ledger/",
    ledger.ledger,
    name="ledger",
    verb=Permission.VIEW_LEDGER,
    label="Ledger",
    words="Who owned, held and changed what, and when; and proof that nobody rewrote it.",
    methods=("GET", "HEAD"),
)
site.add_page("ledger/export/", ledger.export, name="ledger_export", verb=Permission.VIEW_LEDGER, methods=("POST",))
site.add_page("ledger/check/", ledger.check, name="ledger_check", verb=Permission.VIEW_LEDGER)
site.add_page(
    "erasure/",
    erasure.erasure,
    name="erasure",
    verb=Permission.MANAGE_POLICY,
    label="Erase a person’s data",
    words="When somebody asks the company to forget them: everything that was kept, for good.",
)
site.add_page(
    "ownership/",
    as_of.ownership,
    name="ownership",
    verb=Permission.VIEW_LEDGER,
    label="Ownership as of …",
    words="Whose every lead was on any day, by the ledger.",
    methods=("GET", "HEAD"),
)
site.add_page(
    "ownership/file/", as_of.ownership_file, name="ownership_file", verb=Permission.VIEW_LEDGER, methods=("POST",)
)
