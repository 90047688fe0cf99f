"""Sharing a lead with somebody, and taking that back (V8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

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
from permissions.keyring import Given
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.verbs import Verb

VERBS = {"view_lead": Level.VIEW, "work_lead": Level.WORK}


def given_to(company_id: int, people: Collection[int]) -> Mapping[int, Given]:
    """Leads shared with these people now, and the open ponds they belong to (V2, rules f and e); both in one query."""
    shares = (
        LeadShare.grants().live().to(company_id, people).values_list("user", "content_object", "permission__codename")
    )
    claims = Case(When(may_claim=True, then=Value("claim")), default=Value("look"))
    ponds = PondMember.objects.filter(user__in=people, company=company_id, pond__closed_at=None)
    given: defaultdict[int, Given] = defaultdict(Given)
    for user, pk, verb in shares.union(ponds.values_list("user", "pond", claims), all=True):
        if verb in VERBS:
            given[user].leads[pk] = Key(VERBS[verb], Reason.SHARED)
        else:
            given[user].ponds[pk] = verb == "claim"
    return given


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
