"""E-mails to leads on their way (L4). Rows are the promise; a task sends what is due."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.models.activity import Activity


class Mail(models.Model):
    """One e-mail of the timeline: its activity has the words, the subject first. `sender`: in whose name it goes.

    It leaves `waiting` once the mail server has it, or once it is given up; then somebody may send it again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    activity = models.OneToOneField(Activity, models.CASCADE, related_name="mail")
    sender = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    to = models.CharField(max_length=254)
    bulk = models.BooleanField(default=False, help_text="What a person waits for goes before these.")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["bulk", "due_at"], condition=Q(state="waiting"), name="mail_due")]

    def __str__(self) -> str:
        return f"mail {self.pk}"

    @property
    def subject(self) -> str:
        return split(self.activity.body)[0]

    @property
    def body(self) -> str:
        return split(self.activity.body)[1]


def joined(subject: str, body: str) -> str:
    """The words of an e-mail as its activity keeps them."""
    return f"{subject}\n\n{body}"


def split(words: str) -> tuple[str, str]:
    """Subject and body of what `joined` made."""
    subject, _, body = words.partition("\n\n")
    return subject, body
