"""Reads of leads beyond the access door: what lists fetch, and phrases that services share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from permissions.door import AccessQuerySet

if TYPE_CHECKING:
    from leads.models import Activity, Lead


class LeadQuerySet(AccessQuerySet["Lead"]):
    def for_rows(self) -> Self:
        """With the names a list row shows, in one query."""
        return self.select_related("stage", "source", "owner_unit", "owner_user", "agent", "origin_unit")

    def in_id_order(self) -> Self:
        """Locked for a change, in the one order every writer takes, so that no two can block each other."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class ActivityQuerySet(models.QuerySet["Activity"]):
    def newest_first(self) -> ActivityQuerySet:
        return self.order_by("-at", "-pk")
