"""The company's phone (D16): its provider, its numbers, and where calls to them go (D12)."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from leads.models import Lead


class PhoneAccount(models.Model):
    """By which provider the company calls. Without one each calls from her own phone, and logs it by hand."""

    company = models.OneToOneField(Company, models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=12, editable=False, unique=True, db_default=Func(function="lead_public_id"))
    account_sid = models.CharField("account SID", max_length=40)
    auth_token = models.CharField(max_length=80, help_text="With it the provider is asked, and it signs what it sends.")
    active = models.BooleanField(default=True, help_text="Off: each calls from her own phone.")

    def __str__(self) -> str:
        return self.account_sid


class PhoneNumber(models.Model):
    """A number of the company. A call to it rings whoever holds the caller's lead, and nobody else (D12).

    `when_away`: the holder is not available. `when_unknown`: nobody holds the lead, or there is none.
    """

    class Goes(models.TextChoices):
        VOICEMAIL = "voicemail", "Voicemail"
        PERSON = "person", "A person"
        QUEUE = "queue", "All available members of the unit at once"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    number = models.CharField(max_length=20)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="Its members call with this number.")
    active = models.BooleanField(default=True)
    route_unavailable = models.BooleanField(
        "ring another agent while the holder is unavailable",
        default=False,
        help_text="Off: nobody but its holder is ever rung for a lead that somebody holds.",
    )
    when_away = models.CharField(
        "holder unavailable",
        max_length=9,
        choices=[(Goes.VOICEMAIL.value, Goes.VOICEMAIL.label), (Goes.PERSON.value, Goes.PERSON.label)],
        default=Goes.VOICEMAIL,
    )
    away_person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    when_unknown = models.CharField("no holder, or unknown", max_length=9, choices=Goes, default=Goes.VOICEMAIL)
    unknown_person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "number"],
                condition=Q(active=True),
                name="phone_number_once_in_company",
                violation_error_message="This number is there already.",
            ),
            models.CheckConstraint(
                condition=~Q(when_away="person") | Q(away_person__isnull=False),
                name="phone_number_away_person",
                violation_error_message="Say who is rung while the holder is unavailable.",
            ),
            models.CheckConstraint(
                condition=~Q(when_unknown="person") | Q(unknown_person__isnull=False),
                name="phone_number_unknown_person",
                violation_error_message="Say who is rung where nobody holds the lead.",
            ),
            models.CheckConstraint(
                condition=Q(when_away="voicemail") | Q(route_unavailable=True),
                name="phone_number_away_rings",
                violation_error_message="Another person is rung only where ringing another agent is on.",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InboundCall(models.Model):
    """A call to one of the company's numbers, and whose lead it was from."""

    class State(models.TextChoices):
        RINGING = "ringing", "Ringing"
        ANSWERED = "answered", "Answered"
        MISSED = "missed", "Missed"
        VOICEMAIL = "voicemail", "Voicemail"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    number = models.ForeignKey(PhoneNumber, models.PROTECT, related_name="+", db_index=False)
    provider_ref = models.CharField(max_length=80)
    caller = models.CharField(max_length=40)
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="+", db_index=False)
    holder = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=9, choices=State, default=State.RINGING)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    activity_id = models.BigIntegerField(null=True, help_text="Its line on the timeline.")
    recording = models.CharField(max_length=300, blank=True, default="", help_text="Where its message can be heard.")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "provider_ref"], name="inbound_call_once_in_company"),
        ]
        indexes = [models.Index(fields=["company", "at"], name="inbound_call_recent")]

    def __str__(self) -> str:
        return self.provider_ref
