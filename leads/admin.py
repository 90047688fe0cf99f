"""The company's own lists, in the admin."""

from __future__ import annotations

from django.contrib.admin import register

from leads.models import Stage
from leads.views.policy import policy
from permissions.admin.base import CompanyAdmin
from permissions.admin.site import site
from permissions.catalog import Permission


@register(Stage, site=site)
class StageAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = "The steps of your pipeline, in their order."
    fields = ("name", "kind", "position")
    list_display = ("name", "kind", "position")
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("position", "pk")


site.add_page(
    "policy/",
    policy,
    name="policy",
    verb=Permission.MANAGE_POLICY,
    label="Policy",
    words="Who sees personal leads, and the company’s other rules.",
)
