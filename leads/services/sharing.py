"""Sharing a lead with somebody, and taking that back (V8)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, OuterRef, QuerySet, Value, When
from django.utils import timezone

from crm.organization.models import User
from leads.models import Lead, LeadShare, PondMember
from leads.querysets import LeadQuerySet
from permissions.access import Key, Keyring, Level, Reason
from permissions.door import require_verb
from permissions.grants import give
from permissions.keyring import Gives
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.verbs import Verb

VERBS = {"view_lead": Level.VIEW, "work_lead": Level.WORK}
GIVES: Gives = {verb: Key(level, Reason.SHARED) for verb, level in VERBS.items()} | {"claim": True, "look": False}


def given_to(company_id: int, people: Collection[int]) -> list[QuerySet[Any, Any]]:
    """Leads shared with these people now, and the open ponds they belong to (V2, rules f and e)."""
    shares = LeadShare.grants().live().to(company_id, people).filter(permission__codename__in=VERBS)
    claims = Case(When(may_claim=True, then=Value("claim")), default=Value("look"))
    ponds = PondMember.objects.filter(user__in=people, company=company_id, pond__closed_at=None)
    return [
        shares.values_list("user", "content_object", "permission__codename"),
        ponds.values_list("user", "pond", claims),
    ]


def shares_of(lead: Lead) -> QuerySet[LeadShare]:
    """The shares that hold now, by name."""
    live = LeadShare.grants().live().filter(content_object=lead)
    return live.select_related("user", "permission", "given_by").order_by("user__name", "pk")


def with_sharers(leads: LeadQuerySet) -> LeadQuerySet:
    """The leads with `shared_with`, the names of those they are shared with now."""
    live = LeadShare.grants().live().filter(content_object=OuterRef("pk")).order_by("user__name", "pk")
    return leads.annotate(shared_with=ArraySubquery(live.values("user__name")))  # type: ignore[no-redef]  # declared there


@transaction.atomic
def share_lead(
    *, keyring: Keyring, actor: User, lead: Lead, user: User, verb: str, until: datetime | None = None
) -> None:
    """Let `user` view or work the lead. Raises PermissionDenied, ValidationError for a wrong target."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require_verb(keyring, lead, Verb.SHARE)
    if verb not in VERBS:
        raise ValidationError("A share lets somebody view or work the lead.")
    if user == actor or not User.objects.can_be_seen_by(actor).filter(pk=user.pk).exists():
        raise ValidationError("Choose a colleague you can see.")
    if until is not None and until <= timezone.now():
        raise ValidationError("That moment has passed already. Choose a later one.")
    give(LeadShare, obj=lead, user=user, verb=verb, given_by=actor, until=until)
    record(
        Fact(
            company_id=lead.company_id,
            kind=LedgerEntry.Kind.SHARED,
            lead_id=lead.pk,
            actor_id=actor.pk,
            to_user_id=user.pk,
            why="sharing",
            detail={"verb": verb, "until": until.isoformat() if until else None},
        )
    )


@transaction.atomic
def revoke_share(*, keyring: Keyring, actor: User, lead: Lead, user: User) -> None:
    """Take a share back. One that is gone already stays gone, without a second row in the ledger."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require_verb(keyring, lead, Verb.SHARE)
    gone, _ = LeadShare.objects.filter(content_object=lead, user=user).delete()
    if gone:
        record(
            Fact(
                company_id=lead.company_id,
                kind=LedgerEntry.Kind.REVOKED,
                lead_id=lead.pk,
                actor_id=actor.pk,
                from_user_id=user.pk,
                why="sharing",
            )
        )
