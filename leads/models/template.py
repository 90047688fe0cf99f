"""Message templates (L7): e-mails and texts with merge fields, of the company or of one person."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.querysets import TemplateQuerySet


class MessageTemplate(models.Model):
    """Without `user` it is the company's, for everybody to use. A text has no subject."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        TEXT = "text", "Text"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind)
    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=150, blank=True, default="")
    body = models.TextField()
    changed_at = models.DateTimeField(db_default=Now())

    objects = TemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "user", "kind", "name"], name="message_template_named", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(kind="email") ^ Q(subject=""), name="message_template_subject"),
        ]

    def __str__(self) -> str:
        return self.name
