"""Profiles (P1) and the ledger (M7)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User


class Profile(models.Model):
    """A named set of permissions. A built-in one has a code."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    permissions = ArrayField(models.CharField(max_length=40), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "code"], name="profile_code_unique")]

    def __str__(self) -> str:
        return self.name


class ProfileHolder(models.Model):
    """The one profile of a person."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="holding")
    profile = models.ForeignKey(Profile, models.PROTECT, related_name="holders")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.profile_id}"


class LedgerEntry(models.Model):
    """One ownership-relevant fact; append-only, refused to UPDATE, DELETE and TRUNCATE by the database.

    References carry no constraint, so that the fact outlives what it speaks of; a row holds no personal data of a lead.
    `content_hash` is computed by the database from all other columns.
    """

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        OWNER_CHANGED = "owner_changed", "Owner changed"
        ASSIGNED = "assigned", "Assigned"
        UNASSIGNED = "unassigned", "Unassigned"
        OFFERED = "offered", "Offered"
        CLAIMED = "claimed", "Claimed"
        EXPIRED = "expired", "Offer expired"
        DECLINED = "declined", "Offer declined"
        WITHDRAWN = "withdrawn", "Offer withdrawn"
        HIDDEN = "hidden", "Hidden"
        SHOWN = "shown", "Shown"
        SHARED = "shared", "Shared"
        REVOKED = "revoked", "Share revoked"
        RELEASED = "released", "Released"
        POOLED = "pooled", "Moved to a pond"
        MERGED = "merged", "Merged"
        DELETED = "deleted", "Deleted"
        RESTORED = "restored", "Restored"
        EXPORTED = "exported", "Exported"
        ERASED = "erased", "Personal data erased"
        LEFT = "left", "Left the company"
        REQUESTED = "requested", "Ownership requested"
        REFUSED = "refused", "Ownership request refused"
        TAKEN_BACK = "taken_back", "Ownership request withdrawn"
        DECIDED = "decided", "Conflict decided"
        VIEWED_AS = "viewed_as", "Viewed as another person"
        MEMBERSHIP_CHANGED = "membership_changed", "Membership changed"
        INVITED = "invited", "Invited"
        JOINED = "joined", "Joined"
        POLICY_CHANGED = "policy_changed", "Policy changed"

    company = models.ForeignKey(Company, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=24, choices=Kind)
    actor = models.ForeignKey(User, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+")
    lead_id = models.BigIntegerField(null=True)
    role = models.CharField(max_length=24, blank=True, db_default="", help_text="The slot, for assignments.")
    from_unit_id = models.BigIntegerField(null=True)
    from_user_id = models.BigIntegerField(null=True)
    to_unit_id = models.BigIntegerField(null=True)
    to_user_id = models.BigIntegerField(null=True)
    why = models.CharField(max_length=80, blank=True, db_default="", help_text="The act or rule that caused it.")
    batch_id = models.BigIntegerField(null=True)
    detail = models.JSONField(null=True)
    content_hash = models.GeneratedField(
        expression=Func(
            F("company_id"),
            F("at"),
            F("kind"),
            F("actor_id"),
            F("lead_id"),
            F("role"),
            F("from_unit_id"),
            F("from_user_id"),
            F("to_unit_id"),
            F("to_user_id"),
            F("why"),
            F("batch_id"),
            F("detail"),
            function="ledger_content_hash",
        ),
        output_field=models.BinaryField(),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["lead_id", "id"], name="ledger_lead"),
            models.Index(fields=["company", "id"], name="ledger_company"),
            # the ledger's page: newest first by (at, id), of everything or of one kind, person or unit
            models.Index(fields=["company", "at", "id"], name="ledger_recent"),
            models.Index(fields=["company", "kind", "at", "id"], name="ledger_kind"),
            models.Index(fields=["actor", "at", "id"], condition=Q(actor__isnull=False), name="ledger_actor"),
            models.Index(
                fields=["from_user_id", "at", "id"], condition=Q(from_user_id__isnull=False), name="ledger_from_user"
            ),
            models.Index(
                fields=["to_user_id", "at", "id"], condition=Q(to_user_id__isnull=False), name="ledger_to_user"
            ),
            models.Index(
                fields=["from_unit_id", "at", "id"], condition=Q(from_unit_id__isnull=False), name="ledger_from_unit"
            ),
            models.Index(
                fields=["to_unit_id", "at", "id"], condition=Q(to_unit_id__isnull=False), name="ledger_to_unit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.lead_id}"


class LedgerSeal(models.Model):
    """A link of a company's chain: the hash of the link before it and of its entries' hashes in id order."""

    company = models.ForeignKey(Company, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    number = models.BigIntegerField(help_text="1, 2, 3 … within the company.")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    entries = models.BigIntegerField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "number"], name="ledger_seal_once"),
            models.CheckConstraint(condition=models.Q(last_id__gte=F("first_id")), name="ledger_seal_range"),
        ]

    def __str__(self) -> str:
        return f"{self.company_id} #{self.number}"


class LedgerCheck(models.Model):
    """Somebody asked whether a company's chain holds. `checked` entries of about `total` are recomputed so far."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    total = models.BigIntegerField(default=0)
    checked = models.BigIntegerField(default=0)
    seals = models.BigIntegerField(default=0)
    unsealed = models.BigIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True, default="")
    touched_at = models.DateTimeField(db_default=Now(), help_text="The last sign of life of whoever works on it.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company"], condition=~Q(state="done"), name="ledger_check_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False) | (~Q(state="done") & Q(finished_at=None)),
                name="ledger_check_finished_once",
            ),
        ]
        indexes = [models.Index(F("company"), F("id").desc(), name="ledger_check_latest")]

    def __str__(self) -> str:
        return f"{self.company_id} {self.state}"

    @property
    def is_under_way(self) -> bool:
        return self.state != self.State.DONE


class ApiToken(models.Model):
    """A key to the API for a program that acts as one person, narrowed to scopes (I3). Of the key only its hash is kept."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=24))
    hint = models.CharField(max_length=8, help_text="How the key begins, to tell it from others.")
    digest = models.BinaryField(unique=True)
    created_at = models.DateTimeField(db_default=Now())
    ends_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="api_token_revoked_by",
            )
        ]
        indexes = [models.Index(F("company"), F("id").desc(), name="api_token_of_company")]

    def __str__(self) -> str:
        return self.name


class ApiAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, so that it is answered the same again for a day (I3)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    digest = models.BinaryField(help_text="Of the method, the address and the body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="api_answer_once")]
        indexes = [models.Index(fields=["at"], name="api_answer_at")]

    def __str__(self) -> str:
        return self.key
