"""Everybody's webhooks in the admin: where a company's leads are told of, in whose name, and an end to it (I5)."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import action, display, register
from django.db.models import QuerySet
from django.http import HttpRequest

from crm.organization.people import signed_in
from crm.webhooks.models import Event, Webhook
from crm.webhooks.services import allow, forbid
from permissions.admin.base import CompanyAdmin
from permissions.admin.site import site
from permissions.catalog import Permission


@register(Webhook, site=site)
class WebhookAdmin(CompanyAdmin):
    verb = Permission.MANAGE_USERS
    words = "Where programs are told of leads, in whose name, and whether that works."
    addable = False  # everybody makes her own
    fields = ("name", "user", "url", "tells", "off", "created_at", "delivered_at", "failing_since")
    readonly_fields = fields
    list_display = ("name", "user", "url", "off", "delivered_at", "failing_since")
    list_select_related = ("user",)
    list_filter = ("user",)
    search_fields = ("name", "url", "user__name")
    ordering = ("-pk",)
    actions = ("switch_off", "switch_on")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    @display(description="Tells of")
    def tells(self, webhook: Webhook) -> str:
        return ", ".join(label for value, label in Event.choices if value in webhook.events)

    @action(description="Switch off: nothing leaves until an admin switches it on")
    def switch_off(self, request: HttpRequest, webhooks: QuerySet[Any]) -> None:
        self.message_user(request, f"{forbid(actor=signed_in(request), webhooks=webhooks)} switched off.")

    @action(description="Switch on again what an admin switched off")
    def switch_on(self, request: HttpRequest, webhooks: QuerySet[Any]) -> None:
        self.message_user(request, f"{allow(actor=signed_in(request), webhooks=webhooks)} switched on.")
