"""What one delivery says: the event, and the lead as the API would show it to the webhook's person at this moment.

It is written anew for every try, so that nothing is told that she may no longer see, and nothing of a lead is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from crm.api.schemas import RedactedLead
from crm.api.showing import named, owner_of, shown
from crm.organization.models import Unit, User
from crm.webhooks.models import TEST, Event, WebhookDelivery
from dialer.models import CallAttempt
from leads.models import Lead
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry

Fact = LedgerEntry | CallAttempt


def bodies_of(user: User, deliveries: Sequence[WebhookDelivery]) -> dict[int, str]:
    """Per delivery of hers its body; those about leads that she may not see are missing."""
    keyring = load_keyring(user)
    ids = {one.lead_id for one in deliveries if one.lead_id}
    leads = list(Lead.objects.visible_to(keyring).for_rows().filter(pk__in=ids).order_by("pk"))
    by_lead = dict(zip((lead.pk for lead in leads), shown(leads, keyring), strict=True))
    facts = _facts_of(one for one in deliveries if one.lead_id in by_lead)
    names = _Names(facts.values())
    bodies: dict[int, str] = {}
    for one in deliveries:
        if one.kind == TEST:
            bodies[one.pk] = _written(one, {"webhook": one.webhook.name})
        elif (lead := by_lead.get(one.lead_id or 0)) is not None:
            told = {} if isinstance(lead, RedactedLead) else names.told_of(one, facts.get(one.pk))
            bodies[one.pk] = _written(one, {"lead": lead.model_dump(), **told})
    return bodies


def _written(delivery: WebhookDelivery, data: Mapping[str, Any]) -> str:
    said = {"type": delivery.kind, "timestamp": delivery.at, "data": data}
    return json.dumps(said, cls=DjangoJSONEncoder, ensure_ascii=False)


def _facts_of(deliveries: Any) -> dict[int, Fact]:
    """What each speaks of."""
    about = {one.pk: (one.kind == Event.DISPOSITION, one.fact_id) for one in deliveries}
    ids = {which: [pk for kind, pk in about.values() if kind is which] for which in (True, False)}
    attempts = CallAttempt.objects.select_related("disposition", "user").in_bulk(ids[True])
    entries = LedgerEntry.objects.select_related("actor").defer("content_hash").in_bulk(ids[False])
    found: dict[bool, Mapping[Any, Any]] = {True: attempts, False: entries}
    return {pk: found[which][fact] for pk, (which, fact) in about.items() if fact in found[which]}


class _Names:
    """Who and what ledger entries speak of: whoever may read a lead reads these names on its timeline."""

    def __init__(self, facts: Any) -> None:
        entries = [fact for fact in facts if isinstance(fact, LedgerEntry)]
        units = {pk for one in entries for pk in (one.from_unit_id, one.to_unit_id)}
        people = {pk for one in entries for pk in (one.from_user_id, one.to_user_id)}
        self.units, self.people = Unit.objects.in_bulk(units - {None}), User.objects.in_bulk(people - {None})

    def told_of(self, delivery: WebhookDelivery, fact: Fact | None) -> dict[str, Any]:
        if isinstance(fact, CallAttempt):
            return self._disposition(fact)
        return self._entry(fact) if fact is not None else {}

    def _disposition(self, attempt: CallAttempt) -> dict[str, Any]:
        given = attempt.disposition
        if given is None:
            return {}
        flags = ("contact_made", "sale", "do_not_call", "not_interested", "callback", "final")
        said = {"id": given.pk, "name": given.name, **{name: getattr(given, name) for name in flags}}
        return {"by": named(attempt.user).model_dump() if attempt.user else None, "disposition": said}

    def _entry(self, entry: LedgerEntry) -> dict[str, Any]:
        told = {
            "by": named(entry.actor).model_dump() if entry.actor else None,
            "to": self._end(entry.to_unit_id, entry.to_user_id),
        }
        if entry.kind == LedgerEntry.Kind.OWNER_CHANGED:
            told["from"] = self._end(entry.from_unit_id, entry.from_user_id)
        return {**told, "role": entry.role} if entry.kind == LedgerEntry.Kind.ASSIGNED else told

    def _end(self, unit_id: int | None, user_id: int | None) -> dict[str, Any] | None:
        found = self.units.get(unit_id or 0) or self.people.get(user_id or 0)
        return owner_of(found).model_dump() if found else None
