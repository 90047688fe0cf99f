"""Erasing what is kept of a person (M9): all leads with a contact point of hers, and every trace of what they said.

The rows stay for what is counted, and the ledger, which never holds personal data.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from crm.notifications.models import Notification
from crm.organization.models import User
from leads import signals
from leads.contact import digits_of
from leads.models import (
    Activity,
    Assignment,
    Batch,
    BatchItem,
    Conflict,
    Consent,
    ContactPoint,
    Lead,
    LeadSearch,
    LeadShare,
    Mail,
    OwnershipRequest,
    Task,
)
from leads.services.assigning import end_slots
from leads.services.saved_views import forget_in_views
from leads.services.transferring import Cause, tell_personal_owners
from permissions.keyring import load_keyring
from permissions.ledger import record_select

WHY = "personal data erased"
SHORTEST_NAME = 3
NATIONAL = 7  # digits at the end of a phone by which a row of a file is known, however it is written
# with those that went into them, and those that they went into: one person's
FOUND = """
WITH RECURSIVE found (id) AS (
    SELECT lead_id FROM leads_contactpoint WHERE company_id = %(company)s AND kind = %(kind)s AND value = %(value)s
    UNION
    SELECT near.id FROM found JOIN leads_lead AS lead ON lead.id = found.id
    JOIN leads_lead AS near ON near.merged_into_id = lead.id OR near.id = lead.merged_into_id
) SELECT id FROM found ORDER BY id
"""
BLANK = """
WITH gone AS (
    UPDATE leads_lead SET first_name = '', last_name = '', company_name = '', street = '', city = '', state = '',
        postal_code = '', time_zone = '', language = '', tags = '{}', custom = '{}', price_min = NULL, price_max = NULL,
        hidden = false, removed_at = coalesce(removed_at, now())
    WHERE id = ANY(%(leads)s) RETURNING id, company_id, owner_unit_id, owner_user_id
)
"""
ERASED = """
SELECT company_id, 'erased', %(actor_id)s::bigint, id, owner_unit_id, owner_user_id, %(why)s FROM gone ORDER BY id
"""
FILES = """
WITH mine AS (SELECT id FROM leads_importrun WHERE company_id = %(company)s), known AS (
    DELETE FROM leads_importedkey AS key USING leads_importrow AS row
    WHERE row.run_id IN (SELECT id FROM mine) AND row.lead_id = ANY(%(leads)s)
        AND (key.run_id, key.number) = (row.run_id, row.number)
), changed AS (
    DELETE FROM leads_importchange WHERE run_id IN (SELECT id FROM mine) AND lead_id = ANY(%(leads)s)
)
UPDATE leads_importrow SET cells = '[]', reason = 'Erased' WHERE run_id IN (SELECT id FROM mine) AND EXISTS (
    SELECT FROM jsonb_array_elements_text(cells) AS cell CROSS JOIN unnest(%(values)s::text[]) AS known (word)
    WHERE strpos(lower(cell), word) > 0 OR strpos(regexp_replace(cell, '\\D', '', 'g'), word) > 0
)
"""
SEARCHES = """
EXISTS (SELECT FROM unnest(%s::text[]) AS known (word) WHERE strpos(lower(scope ->> 'query'), word) > 0
    OR strpos(regexp_replace(scope ->> 'query', '\\D', '', 'g'), word) > 0)
"""


@transaction.atomic
def erase(*, actor: User, kind: str, value: str) -> None:
    """Erase all leads of the company with this contact point, hers to see or not. There is no way back."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND, {"company": actor.company_id, "kind": kind, "value": value})
        found = [pk for (pk,) in cursor.fetchall()]
    leads = list(Lead.objects.filter(pk__any_of=found).in_id_order())
    points = ContactPoint.objects.filter(lead__pk__any_of=found).order_by("pk").values_list("kind", "value")
    known = sorted({trace(*point) for point in [*points, (kind, value)]})
    _free(actor, found)
    names = {name.lower() for lead in leads for name in (lead.first_name, lead.last_name, lead.company_name)}
    names |= {f"{lead.first_name} {lead.last_name}".strip().lower() for lead in leads}
    _forget(actor.company_id, found, known)
    signals.erased.send(sender=Lead, company_id=actor.company_id, lead_ids=found)
    names = {name for name in names if len(name) >= SHORTEST_NAME}
    _forget_searches(actor.company_id, [*known, *names])
    forget_in_views(actor.company_id, known, names)
    columns = ("company_id", "kind", "actor_id", "lead_id", "from_unit_id", "from_user_id", "why")
    record_select(columns, ERASED, {"leads": found, "actor_id": actor.pk, "why": WHY}, changing=BLANK)
    owners = {lead.pk: lead.owner_user_id for lead in leads if lead.removed_at is None}
    tell_personal_owners(owners, actor, "was erased", "were erased", f"{actor} erased a person’s data on request.")


def trace(kind: str, value: str) -> str:
    """By what a text that holds this contact point is known."""
    return digits_of(value)[-NATIONAL:] if kind == ContactPoint.Kind.PHONE else value


def _free(actor: User, leads: list[int]) -> None:
    """End all that people have with them."""
    cause: dict[str, Any] = Cause(actor, WHY).params()
    signals.removed.send(sender=Lead, company_id=actor.company_id, lead_ids=leads, actor_id=actor.pk)
    end_slots(Assignment.objects.filter(lead__pk__any_of=leads), **cause)
    LeadShare.grants().filter(content_object__pk__any_of=leads).delete()


def _forget(company_id: int, leads: list[int], known: list[str]) -> None:
    """Everything that was written of them, wherever it is kept."""
    theirs = Q(lead__pk__any_of=leads)
    ContactPoint.objects.filter(theirs).delete()
    LeadSearch.objects.filter(theirs).delete()
    Consent.objects.filter(theirs).update(words="")
    Task.objects.filter(theirs).update(title="Erased", dropped_at=Coalesce("dropped_at", Now()))
    Activity.objects.filter(theirs).exclude(kind=Activity.Kind.STAGE).update(body="")
    Mail.objects.filter(activity__lead__pk__any_of=leads).update(to="", error="")
    OwnershipRequest.objects.filter(theirs).update(note="", answer="")
    Conflict.objects.filter(Q(known__pk__any_of=leads) | Q(arrived__pk__any_of=leads)).update(note="")
    Notification.objects.filter(company=company_id, lead_id__in=leads).delete()
    BatchItem.objects.filter(company=company_id, lead__in=leads).update(before=None, after=None)
    with connection.cursor() as cursor:
        cursor.execute(FILES, {"company": company_id, "leads": leads, "values": known})


def _forget_searches(company_id: int, words: list[str]) -> None:
    """What mass actions were asked for by one of these words; those that have not begun are gone."""
    searched = Batch.objects.filter(company=company_id).extra(where=[SEARCHES], params=[words])  # noqa: S610
    searched.filter(state=Batch.State.DRAFT).delete()
    for batch in searched.order_by("pk"):
        batch.scope, batch.preview = {**batch.scope, "query": ""}, {**(batch.preview or {}), "filters": []}
        batch.save(update_fields=["scope", "preview"])


def seen_of(actor: User, kind: str, value: str) -> list[Lead]:
    """Of the leads that would be erased, those she may see herself: of others not even their number is told."""
    points = ContactPoint.objects.filter(company=actor.company_id, kind=kind, value=value).values("lead")
    leads = Lead.objects.visible_to(load_keyring(actor)).filter(pk__in=points)
    return list(leads.order_by("-last_activity_at", "-pk")[:20])
