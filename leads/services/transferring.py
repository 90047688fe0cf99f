"""Giving leads to another owner, and letting go of them (M1, M2): in sets, with the ledger in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from crm.notifications.subjects import OWN_LEAD
from crm.organization.models import Company, OwnerNotifications, PersonalLeads, Unit, User
from crm.organization.querysets import UnitQuerySet, UserQuerySet
from leads import signals
from leads.models import Assignment, Lead
from leads.services.assigning import clear_agent_slots, end_slots, fill_slots, may_stay
from leads.services.covering import end_covers, without_cover
from permissions.access import Keyring, Reason
from permissions.door import access_to, doable, locked
from permissions.keyring import load_keyring, policy_of
from permissions.ledger import record_select
from permissions.models import LedgerEntry
from permissions.verbs import Verb, why_not, why_not_many

# a lead that stays personal keeps the stricter policy, and stays hidden: nothing private is exposed by the way
MOVE = """
WITH moved AS (
    UPDATE leads_lead AS lead SET owner_unit_id = %(unit)s, owner_user_id = %(user)s,
        hidden = lead.hidden AND %(user)s::bigint IS NOT NULL,
        privacy = CASE WHEN %(user)s::bigint IS NOT NULL THEN least(lead.privacy, %(privacy)s::smallint) END
    FROM leads_lead AS before
    WHERE before.id = lead.id AND lead.id = ANY(%(leads)s)
    RETURNING lead.id, lead.company_id, before.owner_unit_id, before.owner_user_id,
        before.hidden AND NOT lead.hidden AS shown
)
"""
MOVED = """
SELECT company_id, kind, %(actor_id)s::bigint, id, from_unit, from_user, to_unit, to_user, %(why)s, %(batch_id)s::bigint
FROM moved CROSS JOIN LATERAL (VALUES
    ('owner_changed', moved.owner_unit_id, moved.owner_user_id, %(unit)s::bigint, %(user)s::bigint, true),
    ('shown', NULL, NULL, NULL, NULL, moved.shown)
) AS fact (kind, from_unit, from_user, to_unit, to_user, holds)
WHERE fact.holds ORDER BY id, kind
"""
END_SHARES = """
WITH ended AS (
    DELETE FROM leads_leadshare WHERE content_object_id = ANY(%(leads)s)
    RETURNING company_id, content_object_id AS lead_id, user_id, until
)
"""
ENDED_SHARES = """
SELECT company_id, 'revoked', %(actor_id)s::bigint, lead_id, user_id, %(why)s, %(batch_id)s::bigint
FROM ended WHERE until IS NULL OR until > now() ORDER BY lead_id, user_id
"""


@dataclass(frozen=True)
class Cause:
    """Who does it, why, and in which batch: what every row of it in the ledger says. `told`: who learns of it otherwise;
    `by`: what did it in the actor’s name, where people are told.
    """

    actor: User
    why: str
    batch_id: int | None = None
    told: int | None = None
    by: str = ""

    def params(self) -> dict[str, Any]:
        return {"actor_id": self.actor.pk, "why": self.why, "batch_id": self.batch_id}


def targets_for(actor: User) -> tuple[UserQuerySet, UnitQuerySet]:
    """The people and units she may give leads to (O6); under the policy `company_only` the company alone (O5)."""
    people, units = User.objects.can_be_seen_by(actor), Unit.objects.can_be_seen_by(actor)
    if actor.company.personal_leads == PersonalLeads.COMPANY_ONLY:
        return people.none(), Unit.objects.of(actor).filter(kind=Unit.Kind.COMPANY)
    return people, units


@transaction.atomic
def transfer_leads(
    *,
    actor: User,
    lead_ids: Collection[int],
    to: Unit | User,
    why: str,
    keep_assistants: bool = False,
    batch_id: int | None = None,
    by: str = "",
) -> list[int]:
    """Give leads to another owner: the ids of those that changed hands. What is the target's already stays as it is.

    Raises PermissionDenied where she may not give all of them away, ValidationError for a wrong target.
    """
    held = _hold(actor, lead_ids, Verb.TRANSFER)
    people, units = targets_for(actor)
    if not (people if isinstance(to, User) else units).filter(pk=to.pk).exists():
        raise ValidationError("Choose a colleague or a unit that you can see, and that the company’s policy allows.")
    return change_owner(held, to, Cause(actor, why, batch_id, by=by), keep_assistants=keep_assistants)


@transaction.atomic
def release_leads(
    *, actor: User, lead_ids: Collection[int], why: str, to: Unit | None = None, batch_id: int | None = None
) -> list[int]:
    """Let go of leads, so that nobody holds them: which they were. Personal ones become those of `to`.

    Raises PermissionDenied where she may neither assign one nor let go of it herself, ValidationError for a wrong target.
    """
    held = Lead.objects.filter(pk__in=_hold(actor, lead_ids, Verb.ASSIGN, also=own_slots))
    personal = list(held.filter(owner_user__isnull=False).order_by("pk").values_list("pk", flat=True))
    if personal and to is None:
        raise ValidationError("Choose the unit whose pool a personal lead goes to.")
    if personal and to is not None:
        transfer_leads(actor=actor, lead_ids=personal, to=to, why=why, batch_id=batch_id)
    return sorted({*personal, *clear(held, Cause(actor, why, batch_id))})


def clear(leads: QuerySet[Lead], cause: Cause) -> list[int]:
    """Clear the Agent slots of leads that the caller holds, and take them out of their rotations: which had one."""
    agents = dict(leads.filter(agent__isnull=False).order_by("pk").values_list("pk", "agent"))
    clear_agent_slots(list(agents), kind=LedgerEntry.Kind.RELEASED, **cause.params())
    end_covers(without_cover(agents), **cause.params())
    company_id = cause.actor.company_id
    signals.released.send(sender=Lead, company_id=company_id, lead_ids=list(agents), actor_id=cause.actor.pk)
    bump(agents.values(), "offers")
    return list(agents)


def own_slots(keyring: Keyring) -> Q:
    """Leads of units whose Agent slot she has and may clear (V2, work). What is on offer to her she passes on instead."""
    offered = [lead for lead, keys in keyring.leads.items() if any(key.reason == Reason.OFFERED for key in keys)]
    hers = Q(company=keyring.company_id, agent=keyring.user_id, owner_unit__isnull=False)
    return hers & ~Q(pk__in=offered)


def may_let_go(keyring: Keyring, lead: Lead) -> bool:
    """The same of one lead."""
    offered = any(key.reason == Reason.OFFERED for key in access_to(keyring, lead).reasons)
    return lead.agent_id == keyring.user_id and not lead.is_personal and not offered


def _hold(actor: User, lead_ids: Collection[int], verb: Verb, also: Callable[[Keyring], Q] | None = None) -> list[int]:
    """Lock the leads, and raise PermissionDenied where she may not do this with every one of them as it is then.

    `also` says with which others she may.
    """
    hers = Lead.objects.filter(company=actor.company_id)
    held = list(hers.filter(pk__in=lead_ids).in_id_order().values_list("pk", flat=True))
    keyring = load_keyring(actor)
    if reason := why_not_many(keyring, len(held)):
        raise PermissionDenied(reason)
    if len(held) < len(set(lead_ids)):
        raise PermissionDenied("Some of these leads are not there any more.")
    allowed = doable(keyring, verb) | also(keyring) if also else doable(keyring, verb)
    for refused in hers.filter(pk__in=held).exclude(allowed).order_by("pk")[:1]:
        raise PermissionDenied(why_not(keyring, locked(refused), verb))
    return held


def change_owner(
    lead_ids: Collection[int], to: Unit | User, cause: Cause, *, keep_assistants: bool = False, tell: bool = True
) -> list[int]:
    """The change itself, for a caller who holds the leads and has made sure that it may be: which leads it was.

    Without `tell` the caller tells the owners, once for many such calls.

    To a person: she takes the Agent slot; other slots (assistants may stay), shares and offers end. To a unit: those stay
    who may be assigned to its leads. Raises ValidationError where the target cannot own leads now.
    """
    company = Company.objects.get(pk=to.company_id)
    refuse_target(company, to)
    is_unit = isinstance(to, Unit)
    owner = Q(owner_unit=to) if is_unit else Q(owner_user=to)
    before = Lead.objects.filter(pk__any_of={*lead_ids}).exclude(owner).order_by("pk")
    owners = dict(before.values_list("pk", "owner_user"))
    moved = list(owners)
    if not moved:
        return []
    unit_id, user_id = (to.pk, None) if is_unit else (None, to.pk)
    params = {"leads": moved, "unit": unit_id, "user": user_id, "privacy": policy_of(company), **cause.params()}
    columns = ("from_unit_id", "from_user_id", "to_unit_id", "to_user_id", "why", "batch_id")
    record_select(("company_id", "kind", "actor_id", "lead_id", *columns), MOVED, params, changing=MOVE)
    lost = _settle(moved, to, cause, keep_assistants=keep_assistants)
    signals.owner_changed.send(sender=Lead, company_id=company.pk, lead_ids=moved, actor_id=cause.actor.pk)
    if tell:
        tell_owners(owners, to, cause)
    bump({person for person in (*lost, *owners.values(), user_id) if person}, "offers")
    return moved


def refuse_target(company: Company, to: Unit | User) -> None:
    """Raise ValidationError for an owner who has left, or whom the company's policy rules out (O5)."""
    if to.closed_at if isinstance(to, Unit) else not to.is_active:
        raise ValidationError(f"{to} is not active any more.")
    of_company = isinstance(to, Unit) and to.kind == Unit.Kind.COMPANY
    if company.personal_leads == PersonalLeads.COMPANY_ONLY and not of_company:
        raise ValidationError("The company’s policy is that it owns all leads: they go to the company alone.")


def _settle(lead_ids: list[int], to: Unit | User, cause: Cause, *, keep_assistants: bool) -> set[int]:
    """What the new owner makes of slots and shares: who lost one."""
    slots = Assignment.objects.filter(lead__pk__any_of={*lead_ids})
    if isinstance(to, Unit):
        lost = end_slots(slots.exclude(may_stay(to)), **cause.params())
        end_covers(without_cover(lead_ids), **cause.params())
        return lost
    stays = Q(role=Assignment.Role.AGENT, user=to, until=None)
    if keep_assistants:
        stays |= Q(role=Assignment.Role.ASSISTANT) & ~Q(user=to)
    lost = end_slots(slots.exclude(stays), **cause.params())
    fill_slots([(lead_id, to.pk) for lead_id in lead_ids], **cause.params())
    columns = ("company_id", "kind", "actor_id", "lead_id", "from_user_id", "why", "batch_id")
    record_select(columns, ENDED_SHARES, {"leads": lead_ids, **cause.params()}, changing=END_SHARES)
    return lost


def tell_owners(owners: Mapping[int, int | None], to: Unit | User, cause: Cause) -> None:
    """Who had these leads (lead → person, if one) and who has them now: a message each, however many leads."""
    tell_former_owners(owners, f"to {to}", cause.actor, cause.by)
    if isinstance(to, User):
        tell_new_owner(list(owners), to, cause)


def tell_former_owners(owners: Mapping[int, int | None], where: str, actor: User, by: str = "") -> None:
    """M8: who had some of them (lead → person, if one) is told what somebody else did."""
    tell_personal_owners(owners, actor, f"went {where}", f"went {where}", f"{by or actor} changed the owner.")


def tell_personal_owners(owners: Mapping[int, int | None], actor: User, one: str, many: str, body: str) -> None:
    """M8: what became of one or many of their personal leads (lead → person, if one) by somebody else, as far as they want
    to be told (O5).
    """
    leads: dict[int | None, list[int]] = {}
    for lead, owner in owners.items():
        leads.setdefault(owner, []).append(lead)
    told = [(owner.pk, leads[owner.pk]) for owner in told_of(leads, actor).order_by("pk")]
    notify(actor.company_id, [_what_became(pk, hers, one, many, body) for pk, hers in told])


def _what_became(owner_id: int, leads: list[int], one: str, many: str, body: str) -> Message:
    if len(leads) == 1:
        return Message(owner_id, "owner_changed", f"{OWN_LEAD} {one}", body, lead_id=leads[0])
    return Message(owner_id, "owner_changed", f"{len(leads):,} leads of yours {many}", body, reverse("people"))


def told_of(owners: Iterable[int | None], actor: User) -> QuerySet[User]:
    """Who of these owners is told of what she does with their leads (O5)."""
    others = {*owners} - {actor.pk, None} if actor.company.owner_notifications != OwnerNotifications.OFF else ()
    told: QuerySet[User] = User.objects.filter(pk__in=others, is_active=True, owner_notifications=True)
    return told


def tell_new_owner(lead_ids: list[int], to: User, cause: Cause) -> None:
    if to.pk in (cause.actor.pk, cause.told):
        return
    said = f"{cause.by or cause.actor} made you the owner."
    if len(lead_ids) == 1:
        message = Message(to.pk, "owned", "{lead} is yours now", body=said, lead_id=lead_ids[0])
    else:
        message = Message(to.pk, "owned", f"{len(lead_ids):,} leads are yours now", body=said, url=reverse("people"))
    notify(to.company_id, [message])
