"""What can come of a call (D10): a company's own list."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from crm.organization.models import Company
from dialer.querysets import DispositionQuerySet
from leads.models import Activity


class Disposition(models.Model):
    """What an agent says of a call, and what follows. `position` is the number key that gives it.

    One that is not final and sets no callback says when the lead may be dialed again.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField("key", null=True, blank=True)
    outcome = models.CharField(
        "counts as",
        max_length=16,
        choices=Activity.Outcome,
        blank=True,
        default="",
        help_text="As which outcome lists and filters know the call. Empty: reached if contact was made, else no answer.",
    )
    contact_made = models.BooleanField(default=False)
    sale = models.BooleanField(default=False)
    do_not_call = models.BooleanField("do not call", default=False)
    not_interested = models.BooleanField(default=False)
    callback = models.BooleanField(default=False)
    final = models.BooleanField(default=False)
    recycle_after = models.PositiveIntegerField("minutes until it is dialed again", null=True, blank=True)
    archived = models.BooleanField(default=False)

    objects = DispositionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="disposition_name_unique"),
            models.UniqueConstraint(
                fields=["company", "position"],
                condition=Q(archived=False),
                name="disposition_key_unique",
                violation_error_message="Another disposition has this key. Choose a free one, or leave it empty.",
            ),
            models.CheckConstraint(
                condition=Q(position=None) | Q(position__gte=1, position__lte=9),
                name="disposition_key",
                violation_error_message="A key is a number from 1 to 9.",
            ),
            models.CheckConstraint(
                condition=Q(do_not_call=False) | Q(final=True),
                name="disposition_do_not_call_is_final",
                violation_error_message="Who is not to be called is not called again: tick final, too.",
            ),
            models.CheckConstraint(
                condition=Q(final=True, callback=False, recycle_after=None)
                | Q(final=False, callback=True, recycle_after=None)
                | Q(final=False, callback=False, recycle_after__isnull=False, recycle_after__range=(1, 525_600)),
                name="disposition_what_follows",
                violation_error_message="Say one of three: final, a callback, or after how many minutes (up to a year) "
                "the lead is dialed again.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
