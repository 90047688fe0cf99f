"""Everybody's keys to the API in the admin: who has which, when it was used last, and an end to it (I3)."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import action, display, register
from django.db.models import QuerySet
from django.http import HttpRequest

from crm.organization.people import signed_in
from permissions.admin.base import CompanyAdmin
from permissions.admin.site import site
from permissions.catalog import Permission
from permissions.models import ApiToken
from permissions.tokens.services import SCOPES, revoke


@register(ApiToken, site=site)
class TokenAdmin(CompanyAdmin):
    verb = Permission.MANAGE_USERS
    words = "Programs that act for people: whose tokens there are, what they may do, when they were used last."
    addable = False  # everybody makes her own
    fields = ("name", "user", "may", "created_at", "used_at", "ends_at", "revoked_at", "revoked_by")
    readonly_fields = fields
    list_display = ("name", "user", "hint", "created_at", "used_at", "ends_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = ("user",)
    search_fields = ("name", "user__name")
    ordering = ("-pk",)
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    @display(description="It may")
    def may(self, token: ApiToken) -> str:
        words = dict(SCOPES)
        return ", ".join(words.get(scope, scope) for scope in token.scopes)

    @action(description="Revoke: it opens nothing any more")
    def revoke(self, request: HttpRequest, tokens: QuerySet[Any]) -> None:
        live = list(tokens.filter(revoked_at=None).order_by("pk"))
        for token in live:
            revoke(actor=signed_in(request), token=token)
        self.message_user(request, f"{len(live)} revoked.")
