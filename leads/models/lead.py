"""The lead, its contact points, its slots, its search text."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce, Now

from crm.organization.models import Company, Unit, User
from leads.models.lists import Source, Stage
from leads.models.pond import Pond
from leads.querysets import LeadQuerySet
from permissions.access import Access, Privacy


class Lead(models.Model):
    """A person somebody hopes to do business with. It has exactly one owner: a unit or a person.

    `locks` and `holder_id` are computed by the database; `slot_locks` and `agent` are kept by the slot trigger, and
    `attempts`, `last_called_at` and `last_outcome` by that of the activities: calls to the lead, not those of its own.
    """

    class Kind(models.TextChoices):
        BUYER = "buyer", "Buyer"
        SELLER = "seller", "Seller"
        RENTER = "renter", "Renter"
        LANDLORD = "landlord", "Landlord"
        INVESTOR = "investor", "Investor"
        INSURANCE = "insurance", "Insurance"
        OTHER = "other", "Other"

    class Origin(models.TextChoices):
        COMPANY = "company", "Company"
        AGENT = "agent", "Agent"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    # twelve random characters by the database, so that nobody guesses or counts leads by their address
    public_id = models.CharField(max_length=12, editable=False, db_default=Func(function="lead_public_id"))

    owner_unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    owner_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    hidden = models.BooleanField(default=False, db_default=False)
    privacy = models.SmallIntegerField(null=True, help_text="The policy under which it became personal.")
    origin = models.CharField(max_length=8, choices=Origin)
    origin_unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    first_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    last_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    company_name = models.CharField(max_length=160, blank=True, default="", db_default="")
    street = models.CharField("address", max_length=200, blank=True, default="", db_default="")
    city = models.CharField(max_length=120, blank=True, default="", db_default="")
    state = models.CharField(max_length=40, blank=True, default="", db_default="")
    postal_code = models.CharField(max_length=16, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    language = models.CharField(max_length=16, blank=True, default="", db_default="")
    kind = models.CharField("type", max_length=12, choices=Kind, blank=True, default="", db_default="")
    source = models.ForeignKey(Source, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="+", db_index=False)
    tags = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    score = models.PositiveSmallIntegerField(default=0, db_default=0)
    price_min = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Whole units of the company's currency."
    )
    price_max = models.PositiveBigIntegerField(null=True, blank=True)
    custom = models.JSONField(default=dict, db_default={}, blank=True)
    do_not_call = models.BooleanField(default=False, db_default=False)

    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    last_activity_at = models.DateTimeField(db_default=Now())
    last_contact_at = models.DateTimeField(null=True, help_text="The last call, text, e-mail or meeting.")
    attempts = models.PositiveIntegerField(default=0, db_default=0, editable=False, help_text="Calls made to it.")
    last_called_at = models.DateTimeField(null=True, editable=False)
    last_outcome = models.CharField(max_length=16, default="", db_default="", editable=False)

    removed_at = models.DateTimeField(null=True, editable=False, help_text="Deleted, or merged into another.")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+", db_index=False)

    agent = models.ForeignKey(User, models.PROTECT, null=True, editable=False, related_name="+", db_index=False)
    slot_locks = ArrayField(models.IntegerField(), db_default=[], editable=False)
    locks = models.GeneratedField(
        expression=Func(
            F("owner_unit_id"),
            F("owner_user_id"),
            F("hidden"),
            F("privacy"),
            F("origin_unit_id"),
            F("slot_locks"),
            function="lead_locks",
        ),
        output_field=ArrayField(models.IntegerField()),
        db_persist=True,
    )
    holder_id = models.GeneratedField(
        expression=Coalesce(F("agent_id"), F("owner_user_id")),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )

    objects = LeadQuerySet.as_manager()
    shared_with: list[str]  # names, set by `with_sharers`
    points: list[ContactPoint]  # set by an export
    access: Access  # what the asker may do with it, set by the reads that hand leads to a page

    class Meta:
        permissions = [("work_lead", "Can work the lead")]  # beside view_lead: what a share may give
        constraints = [
            # not `unique=True`, which brings a second index for searches by a part of it
            models.UniqueConstraint(fields=["public_id"], name="lead_public_id_unique"),
            models.CheckConstraint(
                condition=Q(owner_unit__isnull=False, owner_user=None) | Q(owner_unit=None, owner_user__isnull=False),
                name="lead_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(hidden=False) | Q(owner_user__isnull=False), name="lead_hidden_personal"
            ),
            models.CheckConstraint(
                condition=Q(owner_user=None, privacy=None)
                | Q(owner_user__isnull=False, privacy__in=[p.value for p in Privacy]),
                name="lead_privacy_personal",
            ),
            models.CheckConstraint(
                condition=Q(origin="agent", origin_unit=None) | Q(origin="company", origin_unit__isnull=False),
                name="lead_origin",
            ),
            models.CheckConstraint(condition=Q(score__lte=100), name="lead_score"),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(removed_at__isnull=False), name="lead_merged_is_removed"
            ),
            models.CheckConstraint(
                condition=Q(price_min=None) | Q(price_max=None) | Q(price_max__gte=F("price_min")), name="lead_price"
            ),
        ]
        indexes = [
            GinIndex(OpClass(F("locks"), "array_ops"), name="lead_locks", fastupdate=False),
            # equal keys share an entry: 7 MB each for a million leads
            models.Index(fields=["company", "stage", "source", "state"], name="lead_filters"),
            models.Index(fields=["company", "score"], name="lead_score"),
            models.Index(fields=["company", "attempts"], name="lead_attempts"),
            models.Index(fields=["company", "last_outcome"], name="lead_last_outcome"),
            GinIndex(fields=["tags"], condition=~Q(tags=[]), name="lead_tags", fastupdate=False),
            models.Index(F("company"), F("last_activity_at").desc(), F("id").desc(), name="lead_recent"),
            models.Index(F("company"), F("created_at").desc(), F("id").desc(), name="lead_created"),
            models.Index(F("company"), F("last_activity_at").desc(), condition=Q(hidden=True), name="lead_hidden"),
            # general leads, of which a hopper wants the newest of a kind
            models.Index(
                F("company"),
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(holder_id=None, removed_at=None),
                name="lead_general",
            ),
            # and of an agent's leads her newest
            models.Index(
                F("holder_id"), F("created_at").desc(), F("id").desc(), condition=Q(removed_at=None), name="lead_held"
            ),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="lead_merged_into"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """How pages call it where the asker may read it in full."""
        return f"{self.first_name} {self.last_name}".strip() or self.company_name or "Unnamed lead"

    @property
    def owner(self) -> Unit | User:
        owner = self.owner_unit or self.owner_user
        assert owner is not None  # the database has it so: lead_one_owner
        return owner

    @property
    def is_personal(self) -> bool:
        return self.owner_user_id is not None


def company_of_the_lead() -> models.ForeignKey[Company]:
    """The company of a lead's child, taken from the lead, whose own constraint is enough: each costs an import dearly."""
    return models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False, db_constraint=False)


class ContactPoint(models.Model):
    """A way to reach a lead: a phone in E.164 (the text as given is kept), or a normalised e-mail."""

    class Kind(models.TextChoices):
        PHONE = "phone", "Phone"
        EMAIL = "email", "E-mail"

    company = company_of_the_lead()
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="contact_points", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind)
    value = models.CharField(max_length=254)
    raw = models.CharField(max_length=254, blank=True, default="", db_default="")
    position = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "kind", "value"], name="contact_point_once")]
        indexes = [models.Index(fields=["company", "kind", "value"], name="contact_point_value")]

    def __str__(self) -> str:
        return self.value


class Assignment(models.Model):
    """A taken slot: this person, or this pond, works the lead in this role. Past ones are in the ledger.

    One with `until` is a cover (M10): then the slot returns to whoever is in the lead's slot `covered`, or to nobody.
    `role` is one of Role or the code of a SlotRole.
    """

    class Role(models.TextChoices):
        AGENT = "agent", "Agent"
        ASSISTANT = "assistant", "Assistant"
        LENDER = "lender", "Lender"
        COVERED = "covered", "Away"

    company = company_of_the_lead()
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="assignments", db_index=False)
    role = models.CharField(max_length=24, choices=Role, default=Role.AGENT)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="assignments")
    pond = models.ForeignKey(Pond, models.PROTECT, null=True, related_name="assignments", db_index=False)
    since = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "role"], name="assignment_one_per_slot"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, pond=None) | Q(user=None, pond__isnull=False, role="agent"),
                name="assignment_person_or_pond",
            ),
        ]
        indexes = [
            models.Index(fields=["pond"], condition=Q(pond__isnull=False), name="assignment_pond"),
            models.Index(fields=["until"], condition=Q(until__isnull=False), name="assignment_until"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.user_id or self.pond_id}"


class LeadSearch(models.Model):
    """What a lead can be found by, in a table of its own so that a change of owner leaves the trigram index alone."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="search")
    company = company_of_the_lead()
    text = models.TextField()

    class Meta:
        indexes = [GinIndex(OpClass(F("text"), "gin_trgm_ops"), name="lead_search_text")]

    def __str__(self) -> str:
        return self.text
