"""Mass actions (M4): a batch is previewed, confirmed, run in chunks, and can be undone (M6)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.querysets import BatchQuerySet


class Batch(models.Model):
    """One mass action of one person. Its leads are fixed when it is previewed: they are its items.

    `params` is what the verb needs (ids and words of its form); `scope` is how the leads were chosen; `preview` is what
    was foreseen, none before that. A batch that `undoes` another has its verb. Whoever works on it says so until
    `held_until`; where that passes without a word, another one goes on.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Preview"
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    public_id = models.CharField(max_length=12, editable=False, db_default=Func(function="lead_public_id"))
    actor = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    verb = models.CharField(max_length=24)
    params = models.JSONField(default=dict)
    scope = models.JSONField(default=dict)
    preview = models.JSONField(null=True)
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="undoings")
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0, help_text="How many items have an outcome.")
    changed = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Starts since the last chunk that was done.")
    cancel_asked = models.BooleanField(default=False)
    problem = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="batch_public_id_unique"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "queued", "running"], ended_at=None)
                | Q(state__in=["done", "cancelled", "failed"], ended_at__isnull=False),
                name="batch_ended_once",
            ),
        ]
        indexes = [
            models.Index(F("company"), F("actor"), F("id").desc(), name="batch_of_actor"),
            models.Index(fields=["held_until"], condition=Q(state__in=["queued", "running"]), name="batch_under_way"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.pk}"

    @property
    def is_of_one(self) -> bool:
        """A single lead, from its own page: no mass action, but with its preview and its undo."""
        return bool(self.scope.get("of_one"))

    @property
    def origin(self) -> Batch:
        """The batch whose leads it is about: what was undone first, or itself."""
        return self.undoes.origin if self.undoes else self

    @property
    def takes_back(self) -> bool:
        """An undo, which gives leads back; the undo of an undo does the thing again, and is undone like it."""
        return self.undoes is not None and not self.undoes.takes_back

    @property
    def does_again(self) -> bool:
        return self.undoes is not None and self.undoes.takes_back

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def never_began(self) -> bool:
        """It ended before its first chunk was done: nothing was changed."""
        return self.state in (self.State.CANCELLED, self.State.FAILED) and not self.done

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None


class BatchChunk(models.Model):
    """The items of a batch from `after` (without it) to `upto`, by number: all of them in one transaction, or none.

    Whoever is at them holds the row.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="chunks", db_index=False)
    after = models.PositiveIntegerField()
    upto = models.PositiveIntegerField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "upto"], name="batch_chunk_once")]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.after + 1}–{self.upto}"


class BatchItem(models.Model):
    """One lead of a batch. `number` runs from 1 in id order, so that a chunk is a range.

    `before` is what an undo restores; `after` tells it whether something newer happened.
    """

    class Outcome(models.TextChoices):
        WAITING = "", "Waiting"
        CHANGED = "changed", "Changed"
        SKIPPED = "skipped", "Skipped"

    pk = models.CompositePrimaryKey("batch", "number")
    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items", db_constraint=False, db_index=False)
    number = models.PositiveIntegerField()
    lead = models.ForeignKey("leads.Lead", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, default="", db_default="")
    reason = models.CharField(max_length=24, blank=True, default="", db_default="", help_text="Why it is skipped.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        constraints = [
            # the lead first: else the planner, who knows little of a new batch, reads all of it for a range of numbers
            models.UniqueConstraint(fields=["lead", "batch"], name="batch_item_of_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"
