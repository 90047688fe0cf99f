"""Numbers that a company does not call (D14): its list, every version of it, and the files that come into it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User


class DoNotCallList(models.Model):
    """Counts the changes of a company's list; who changes it holds this row."""

    company = models.OneToOneField(Company, models.PROTECT, primary_key=True, related_name="+")
    version = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"version {self.version}"


class DoNotCall(models.Model):
    """A number (E.164) on the list, from the version `added_in` on; taken off it stays here, for what was true then."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    number = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True, default="")
    added_in = models.PositiveBigIntegerField()
    added_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    added_at = models.DateTimeField(db_default=Now())
    removed_in = models.PositiveBigIntegerField(null=True)
    removed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    removed_at = models.DateTimeField(null=True)
    removed_why = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "number"], condition=Q(removed_at=None), name="do_not_call_once"
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, removed_in=None) | Q(removed_at__isnull=False, removed_in__isnull=False),
                name="do_not_call_removed",
            ),
        ]
        indexes = [models.Index(F("company"), F("added_at").desc(), F("id").desc(), name="do_not_call_newest")]

    def __str__(self) -> str:
        return self.number


class DoNotCallFile(models.Model):
    """A file of numbers on its way into the list. Its bytes wait here until it is through."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Stopped"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    reason = models.CharField(max_length=200)
    data = models.BinaryField()
    encoding = models.CharField(max_length=20)
    delimiter = models.CharField(max_length=1)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    total = models.PositiveIntegerField()
    handled = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0, db_default=0, help_text="Numbers in the rows handled so far.")
    added = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    touched_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(F("company"), F("id").desc(), name="do_not_call_files")]

    def __str__(self) -> str:
        return self.name

    @property
    def known(self) -> int:
        """Numbers that were on the list already, or twice in the file."""
        return self.found - self.added


class DoNotCallReject(models.Model):
    """A row of such a file that holds no number."""

    file = models.ForeignKey(DoNotCallFile, models.CASCADE, related_name="rejects")
    line = models.PositiveIntegerField()
    cells = models.JSONField()

    def __str__(self) -> str:
        return f"line {self.line}"
