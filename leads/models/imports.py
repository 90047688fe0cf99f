"""An import run, the file it reads, its rows, what it changed, and the keys by which it knows rows again (I1, I6)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Lower, Now

from crm.organization.models import Company, Unit, User
from leads.querysets import ImportRunQuerySet, ImportTemplateQuerySet


class ImportRun(models.Model):
    """One uploaded file on its way in, as far as it has come: `handled` records of `total` have an outcome.

    `mapping` says column by column what it holds (see `leads.imports.matching`); `kinds` of the custom fields that it
    makes, by key, the kind and the choices. A `trial` only finds out what would happen: it ends as a draft again.
    While a large file is read, `handled` and `total` count per cent of it.
    """

    class State(models.TextChoices):
        READING = "reading", "Being read"
        DRAFT = "draft", "Waiting for its columns"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Stopped"

    class Duplicates(models.TextChoices):
        SKIP = "skip", "Skip them"
        UPDATE = "update", "Update the leads that are there"
        CREATE = "create", "Add them all the same"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=12, editable=False, db_default=Func(function="lead_public_id"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="import_runs")
    created_at = models.DateTimeField(db_default=Now())
    file_name = models.CharField(max_length=200)
    encoding = models.CharField(max_length=16)
    delimiter = models.CharField(max_length=1, blank=True)
    note = models.TextField(blank=True, default="", db_default="", help_text="What was not read of the file.")
    header = ArrayField(models.TextField(), default=list)
    mapping = ArrayField(models.CharField(max_length=80), default=list)
    owner_unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    owner_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    kinds = models.JSONField(default=dict, db_default={}, blank=True)
    route = models.BooleanField(default=False)
    duplicates = models.CharField(
        max_length=8, choices=Duplicates, default=Duplicates.SKIP, db_default=Duplicates.SKIP.value
    )
    tags = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    hidden = models.BooleanField(default=False, db_default=False, help_text="Its leads start hidden (V4).")
    source_name = models.CharField(max_length=80, default="Import")
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    trial = models.BooleanField(default=False, db_default=False)
    cancel_asked = models.BooleanField(default=False, db_default=False)
    total = models.PositiveIntegerField(default=0, help_text="Records of the file, the header left out.")
    handled = models.PositiveIntegerField(default=0, help_text="Records with an outcome so far.")
    imported = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0, db_default=0)
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
        return self.state in (self.State.READING, self.State.QUEUED, self.State.RUNNING)

    @property
    def is_unreadable(self) -> bool:
        """Its file could not be read at all."""
        return self.state == self.State.FAILED and not self.total

    @property
    def is_tried(self) -> bool:
        """A draft of which is known what would happen."""
        return self.state == self.State.DRAFT and self.trial

    @property
    def seconds_left(self) -> int:
        """As the rows so far went; 0 where nothing can be said."""
        if not self.started_at or not self.handled:
            return 0
        taken = (self.touched_at - self.started_at).total_seconds()
        return round(taken / self.handled * (self.total - self.handled))

    @property
    def has_ended(self) -> bool:
        return self.state in (self.State.DONE, self.State.CANCELLED, self.State.FAILED)


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
        UPDATED = "updated", "Updated"
        SKIPPED = "skipped", "Skipped"
        REJECTED = "rejected", "Rejected"

    pk = models.CompositePrimaryKey("run", "number")
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField(help_text="Line of the file on which it starts, the first being 1.")
    cells = models.JSONField(default=list)
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.TextField(blank=True, default="")
    lead_id = models.BigIntegerField(null=True, help_text="The lead made of it, or updated by it.")

    def __str__(self) -> str:
        return f"line {self.number}"


class ImportChange(models.Model):
    """What a run changed of a lead that was there: the fields and custom fields as they were and became, and the contact
    points that it added. A run changes a lead once.
    """

    pk = models.CompositePrimaryKey("run", "lead_id")
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="changes", db_index=False)
    lead_id = models.BigIntegerField()
    number = models.PositiveIntegerField(help_text="Line of the run's file.")
    before = models.JSONField()
    after = models.JSONField()

    def __str__(self) -> str:
        return f"{self.lead_id} by {self.run_id}"


class ImportTemplate(models.Model):
    """How a person maps the columns of a kind of file, by their names, and what she chooses beside it.

    A shared one is for all of her company; only she changes it.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=80)
    shared = models.BooleanField(default=False)
    columns = models.JSONField(default=dict)
    options = models.JSONField(default=dict)

    objects = ImportTemplateQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("created_by", Lower("name"), name="import_template_name_unique")]

    def __str__(self) -> str:
        return self.name


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
