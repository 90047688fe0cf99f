"""What is to be done, and when (L5): tasks, appointments, callbacks."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.models.lead import Lead
from leads.querysets import TaskQuerySet

OPEN = Q(done_at=None, dropped_at=None)


class Task(models.Model):
    """Of one person; without `user` of anyone who works the lead. `time_zone` is where it was said when.

    `dropped_at`: it went with the person who left. `left_by`: whose callback it was before its lead was taken from her.
    """

    class Kind(models.TextChoices):
        TASK = "task", "Task"
        APPOINTMENT = "appointment", "Appointment"
        CALLBACK = "callback", "Callback"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, null=True, related_name="tasks", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=11, choices=Kind, default=Kind.TASK)
    title = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64)
    remind_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    campaign_id = models.BigIntegerField(null=True, help_text="The campaign in which it was promised.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    dropped_at = models.DateTimeField(null=True)
    left_by = models.ForeignKey(
        User, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    came_from = models.ForeignKey(
        Lead,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The lead it was planned with, which was merged into this one.",
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lead__isnull=False) | Q(user__isnull=False, kind="task"), name="task_is_somebodys"
            ),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False), name="task_done_by_somebody"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "due_at"], condition=OPEN, name="task_of_user"),
            models.Index(fields=["company", "due_at"], condition=OPEN & Q(user=None), name="task_of_anyone"),
            models.Index(fields=["lead", "due_at"], condition=Q(lead__isnull=False), name="task_of_lead"),
            models.Index(F("remind_at"), condition=OPEN & Q(reminded_at=None), name="task_reminder"),
            models.Index(F("done_by"), F("done_at").desc(), condition=Q(done_at__isnull=False), name="task_done"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.done_at is None and self.dropped_at is None
