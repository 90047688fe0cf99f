"""An import run, the file it reads, its rows, and the keys by which it knows them again (I1, I6)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from leads.querysets import ImportRunQuerySet


class ImportRun(models.Model):
    """One uploaded file on its way in, as far as it has come: `handled` records of `total` have an outcome.

    `mapping` says column by column what it holds (see `leads.imports.matching`).
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Waiting for its columns"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Stopped"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=12, editable=False, db_default=Func(function="lead_public_id"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="import_runs")
    created_at = models.DateTimeField(db_default=Now())
    file_name = models.CharField(max_length=200)
    encoding = models.CharField(max_length=16)
    delimiter = models.CharField(max_length=1)
    header = ArrayField(models.TextField(), default=list)
    mapping = ArrayField(models.CharField(max_length=80), default=list)
    owner_unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    owner_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    route = models.BooleanField(default=False)
    hidden = models.BooleanField(default=False, db_default=False, help_text="Its leads start hidden (V4).")
    source_name = models.CharField(max_length=80, default="Import")
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    total = models.PositiveIntegerField(default=0, help_text="Records of the file, the header left out.")
    handled = models.PositiveIntegerField(default=0, help_text="Records with an outcome so far.")
    imported = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Starts since the last chunk that went in.")
    touched_at = models.DateTimeField(db_default=Now(), help_text="The last sign of life of whoever works on it.")
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="import_run_public_id_unique"),
            models.CheckConstraint(condition=Q(owner_unit=None) | Q(owner_user=None), name="import_run_one_owner"),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def owner(self) -> Unit | User | None:
        """Who will own its leads; None while it is a draft."""
        return self.owner_unit or self.owner_user

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class ImportPart(models.Model):
    """A piece of the file as uploaded. They wait in the database until the run is done, and go then."""

    pk = models.CompositePrimaryKey("run", "number")
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField(help_text="0, 1, 2 …")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"part {self.number} of {self.run_id}"


class ImportRow(models.Model):
    """One record of the file and what became of it. `cells` are kept where no lead was made of it, for the report."""

    class Outcome(models.TextChoices):
        IMPORTED = "imported", "Imported"
        SKIPPED = "skipped", "Skipped"
        REJECTED = "rejected", "Rejected"

    pk = models.CompositePrimaryKey("run", "number")
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField(help_text="Line of the file on which it starts, the first being 1.")
    cells = models.JSONField(default=list)
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.TextField(blank=True, default="")
    lead_id = models.BigIntegerField(null=True, help_text="The lead made of it.")

    def __str__(self) -> str:
        return f"line {self.number}"


class ImportedKey(models.Model):
    """By what a person's imports know their own rows again: a digest of e-mail, of phone and name, or of the whole row.

    It speaks of what she gave, never of what leads hold now, so that it tells her nothing she may not see.
    The references carry no constraint: three checks a key would cost more than the key.
    """

    pk = models.CompositePrimaryKey("created_by", "key")
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    key = models.UUIDField()
    run = models.ForeignKey(ImportRun, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    number = models.PositiveIntegerField(help_text="Line of that run's file.")

    def __str__(self) -> str:
        return f"{self.key}"
