"""Saved views of the People list (L6)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from crm.organization.models import Company, Unit, User
from leads.querysets import SavedViewQuerySet


class SavedView(models.Model):
    """Filters, sort and columns under a name: the query string of the list. Who opens it sees the leads she may see.

    With `unit` it is there for its members and for those of the units below; only its maker changes it.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    unit = models.ForeignKey(Unit, models.SET_NULL, null=True, related_name="+", db_index=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("created_by", Lower("name"), name="saved_view_name_once")]
        indexes = [models.Index(fields=["unit"], condition=Q(unit__isnull=False), name="saved_view_shared")]

    def __str__(self) -> str:
        return self.name
