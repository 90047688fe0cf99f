"""A company's own lists: stages (L2), sources, custom fields (L1)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from crm.organization.models import Company


class Stage(models.Model):
    """A step of the company's pipeline."""

    class Kind(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"
        ARCHIVED = "archived", "Archived"

    company = models.ForeignKey(Company, models.PROTECT, related_name="stages")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.OPEN)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="stage_name_unique"),
            models.CheckConstraint(condition=Q(kind__in=["open", "won", "lost", "archived"]), name="stage_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Where leads come from, as the company names it: Zillow, Import, Open house."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="sources")
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint("company", Lower("name"), name="source_name_unique")]

    def __str__(self) -> str:
        return self.name


class SlotRole(models.Model):
    """A role of the company's own on a lead, beside Agent, Assistant and Lender; up to ten."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    code = models.SlugField(max_length=24)
    name = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "code"], name="slot_role_code_unique"),
            models.UniqueConstraint("company", Lower("name"), name="slot_role_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class CustomField(models.Model):
    """A field of the company's own; a lead keeps the values in `Lead.custom` under `key`: texts, days as 2026-03-01."""

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        CHOICE = "choice", "Choice"

    company = models.ForeignKey(Company, models.PROTECT, related_name="custom_fields")
    key = models.SlugField(max_length=60)
    label = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TEXT)
    choices = ArrayField(models.CharField(max_length=80), default=list, db_default=[], blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "key"], name="custom_field_key_unique")]

    def __str__(self) -> str:
        return self.label
