"""Company, Unit, Membership, User (O1)."""

from __future__ import annotations

import zoneinfo
from typing import ClassVar

from django.contrib.auth import get_backends
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from crm.organization.querysets import MembershipQuerySet, UnitQuerySet, UserManager


def validate_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError("Choose a time zone by its IANA name, such as America/New_York.")


class PersonalLeads(models.TextChoices):
    """The company's policy on leads that belong to one agent: a ladder (O5)."""

    COMPANY_ONLY = "company_only", "Company only: every new lead belongs to the company"
    PRIVATE = "private", "Private: personal leads are their agents' own affair"
    VISIBLE = "visible", "Visible: managers see their people's personal leads"
    MANAGED = "managed", "Managed: managers may also act on them"


class Reregistration(models.TextChoices):
    """What happens when a person's lead registers again through another channel (C8)."""

    KEEP = "keep", "Keep: the lead stays with its owner, who alone is told"
    DUPLICATE = "duplicate", "Duplicate: the new owner gets a lead of her own, and neither sees the other's"
    DISPUTE = "dispute", "Dispute: a duplicate, and a company manager decides between the two"


class Claiming(models.TextChoices):
    """Which acts claim a lead that is on offer (R6)."""

    BROAD = "broad", "Any work on it, or the Claim button"
    STRICT = "strict", "A call, text or e-mail, or the Claim button"


class OwnerNotifications(models.TextChoices):
    """Whether owners of personal leads are told what others do to them (M8)."""

    USER_CHOICE = "user_choice", "Each person decides; told unless she switches it off"
    OFF = "off", "Nobody is told"


class DuplicateKey(models.TextChoices):
    """By what two leads are taken for one person (I6)."""

    EMAIL = "email", "The same e-mail"
    PHONE_NAME = "phone_name", "The same phone and name"
    PHONE = "phone", "The same phone, whatever the name"


class Company(models.Model):
    """The tenant. Nothing of one company is visible to, or countable by, another."""

    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="America/New_York", validators=[validate_time_zone])
    phone_region = models.CharField(max_length=2, default="US")
    personal_leads = models.CharField(max_length=16, choices=PersonalLeads, default=PersonalLeads.VISIBLE)
    reregistration = models.CharField(
        max_length=16, choices=Reregistration, default=Reregistration.KEEP, db_default=Reregistration.KEEP
    )
    owner_notifications = models.CharField(
        max_length=16,
        choices=OwnerNotifications,
        default=OwnerNotifications.USER_CHOICE,
        db_default=OwnerNotifications.USER_CHOICE,
    )
    duplicate_keys = ArrayField(
        models.CharField(max_length=12, choices=DuplicateKey),
        db_default=[DuplicateKey.EMAIL.value, DuplicateKey.PHONE_NAME.value],
        blank=True,
    )
    claiming = models.CharField(max_length=16, choices=Claiming, default=Claiming.BROAD, db_default=Claiming.BROAD)
    bulk_claims = models.BooleanField(
        default=False, db_default=False, help_text="Automatic and mass actions claim leads, too (R6)."
    )
    consent_for_emails = models.BooleanField(
        default=False, db_default=False, help_text="E-mails go only to leads who agreed to them (L7)."
    )
    replies_to = models.EmailField(
        blank=True, default="", db_default="", help_text="Where answers to e-mails go; empty: to their sender."
    )
    mail_footer = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Under every e-mail to a lead: an address."
    )
    two_factor_required = models.BooleanField(
        default=False, db_default=False, help_text="People set up two-factor sign-in before they go on."
    )
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(personal_leads__in=PersonalLeads.values), name="company_personal_leads"),
            models.CheckConstraint(
                condition=Q(reregistration__in=Reregistration.values), name="company_reregistration"
            ),
            models.CheckConstraint(
                condition=Q(owner_notifications__in=OwnerNotifications.values), name="company_owner_notifications"
            ),
            models.CheckConstraint(condition=Q(claiming__in=Claiming.values), name="company_claiming"),
            models.CheckConstraint(
                condition=Q(duplicate_keys__contained_by=DuplicateKey.values), name="company_duplicate_keys"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser):
    """A person of one company, who signs in by e-mail. `name` is how colleagues see her."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="people")
    email = models.EmailField("e-mail", unique=True)
    new_email = models.EmailField(
        blank=True, default="", db_default="", help_text="Proposed to her; her address once she has confirmed it."
    )
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="America/New_York", validators=[validate_time_zone])
    phone = models.CharField(max_length=32, blank=True, default="")
    available = models.BooleanField(default=True, help_text="Taking leads.")
    out_of_office_until = models.DateTimeField(null=True, blank=True)
    hide_from_team = models.BooleanField(
        default=False, help_text="Private, and hidden from managers of teams and offices."
    )
    hide_new_leads = models.BooleanField(default=False, help_text="Personal leads she adds start hidden.")
    owner_notifications = models.BooleanField(
        default=True, db_default=True, help_text="Told when somebody else moves, deletes or exports a lead of hers."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="Runs the installation; no access to any lead by itself.")
    left_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    owes_second_factor = False  # her company asks for one and she has none; the auth backend finds out with her row

    # who views the product as her in this request, and limits what is seen; set by the middleware, never stored (V7)
    seen_through: User | None = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower"),
            models.CheckConstraint(condition=Q(pk__lt=2**27), name="user_id_fits_a_lock"),
        ]
        indexes = [models.Index(fields=["company", "name"], name="user_company_name")]

    def __str__(self) -> str:
        return self.name

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Whether her profile holds the permission, as the auth backends answer it."""
        for backend in get_backends():
            check = getattr(backend, "has_perm", None)
            if check is None:
                continue
            try:
                if check(self, permission, obj):
                    return True
            except PermissionDenied:
                return False
        return False

    def has_perms(self, permissions: list[str], obj: object = None) -> bool:
        return all(self.has_perm(permission, obj) for permission in permissions)

    def has_module_perms(self, app_label: str) -> bool:
        return False


class Unit(models.Model):
    """Anything that can own leads and is not a person: the company itself, an office, a team (company → office → team)."""

    class Kind(models.TextChoices):
        COMPANY = "company", "Company"
        OFFICE = "office", "Office"
        TEAM = "team", "Team"

    company = models.ForeignKey(Company, models.PROTECT, related_name="units")
    kind = models.CharField(max_length=8, choices=Kind)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="America/New_York", validators=[validate_time_zone])
    may_change_ownership = models.BooleanField(
        default=False, db_default=False, help_text="Its managers may change ownership in mass (M3)."
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())

    objects = UnitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company"], condition=Q(kind="company"), name="unit_one_company_unit"),
            models.UniqueConstraint("company", Lower("name"), condition=Q(closed_at=None), name="unit_name_unique"),
            models.CheckConstraint(
                condition=Q(kind="company", parent=None) | (~Q(kind="company") & Q(parent__isnull=False)),
                name="unit_has_parent",
            ),
            models.CheckConstraint(condition=Q(pk__lt=2**27), name="unit_id_fits_a_lock"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        parent = self.parent
        if parent is None:
            return
        allowed = {"office": {"company"}, "team": {"company", "office"}}.get(self.kind, set())
        if parent.company_id != self.company_id or parent.kind not in allowed:
            raise ValidationError(
                {"parent": "An office hangs under the company; a team under an office or the company."}
            )


class Membership(models.Model):
    """A person in a unit with a role. One that ended keeps its dates."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    started_at = models.DateTimeField(db_default=models.functions.Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "user"], condition=Q(ended_at=None), name="membership_once"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")), name="membership_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["user", "unit"], name="membership_user_unit")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.unit_id}"

    def validate_company(self) -> None:
        if not self.company_id == self.unit.company_id == self.user.company_id:
            raise ValidationError("A membership stays within one company.")


class Invitation(models.Model):
    """An invitation to join, in the same role, one unit or several (O7). Its link is signed and not stored, and names
    `expires_at`: sent again, only the new one works. `profile` is the code of a profile; until `sent_at` is set, the
    mail is due at `send_at`.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    email = models.EmailField("e-mail")
    name = models.CharField(max_length=120, blank=True, default="")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="Where it was made.")
    more_units = models.ManyToManyField(Unit, blank=True, related_name="+")
    role = models.CharField(max_length=8, choices=Membership.Role, default=Membership.Role.MEMBER)
    profile = models.CharField(max_length=40)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField()
    send_at = models.DateTimeField(db_default=models.functions.Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "company",
                Lower("email"),
                "unit",
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_once",
            )
        ]

    def __str__(self) -> str:
        return self.email
