"""An import run and its staged rows (I1)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User


class ImportRun(models.Model):
    """One uploaded file on its way in. The file's bytes wait in the database until the run is done, so none is lost."""

    class State(models.TextChoices):
        DRAFT = "draft", "Waiting for its columns"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="import_runs")
    created_at = models.DateTimeField(db_default=Now())
    file_name = models.CharField(max_length=200)
    content = models.BinaryField(null=True, help_text="The file as uploaded; dropped when the run is done.")
    header = ArrayField(models.TextField(), default=list)
    mapping = models.JSONField(default=dict, help_text="Column number (text) → field name.")
    owner_unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    owner_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    route = models.BooleanField(default=False)
    source_name = models.CharField(max_length=80, default="Import")
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    total = models.PositiveIntegerField(default=0, help_text="Rows of the file, staged so far.")
    handled = models.PositiveIntegerField(default=0, help_text="Rows with an outcome so far.")
    imported = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(owner_unit=None) | Q(owner_user=None),
                name="import_run_one_owner",
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """One row of the file, staged by COPY: as it stood, as it was read, and what became of it."""

    class Outcome(models.TextChoices):
        WAITING = "", "Waiting"
        IMPORTED = "imported", "Imported"
        SKIPPED = "skipped", "Skipped"
        REJECTED = "rejected", "Rejected"

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField(help_text="Line in the file, the header being 1.")
    cells = ArrayField(models.TextField(), default=list)
    fields = models.JSONField(default=dict)
    custom = models.JSONField(default=dict)
    emails = ArrayField(models.TextField(), default=list)
    phones = ArrayField(models.TextField(), default=list)
    raw_phones = ArrayField(models.TextField(), default=list)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    lead_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="import_row_once")]

    def __str__(self) -> str:
        return f"line {self.number}"
