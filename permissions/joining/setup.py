"""The first company of an empty installation, and its owner (O7)."""

from __future__ import annotations

from django.db import connection, transaction

from crm.organization.models import Company, Membership, Unit, User
from crm.organization.services import add_member, create_company, create_user
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile

SETUP_LOCK = 7034003
OWNERS_PROFILE = "company_admin"


class BegunError(Exception):
    """Somebody else has set the installation up."""


@transaction.atomic
def set_up(*, company: str, time_zone: str, name: str, email: str, password: str) -> User:
    """The company with its unit, and its owner. One at a time: raises BegunError for all but the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SETUP_LOCK])
    if Company.objects.exists():
        raise BegunError
    made = create_company(name=company, time_zone=time_zone)
    owner = create_user(company=made, email=email, name=name, password=password)
    give_profile(owner, OWNERS_PROFILE)
    whole = Unit.objects.get(company=made, kind=Unit.Kind.COMPANY)
    add_member(unit=whole, user=owner, role=Membership.Role.OWNER)
    record(
        Fact(
            company_id=made.pk,
            kind=LedgerEntry.Kind.JOINED,
            actor_id=owner.pk,
            to_unit_id=whole.pk,
            to_user_id=owner.pk,
            role=Membership.Role.OWNER,
            why="set-up",
            detail={"profile": OWNERS_PROFILE},
        )
    )
    return owner
