"""Finding a lead by name, phone in any format, or e-mail: one lower-case text per lead, under a trigram index."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.models import Q

from leads.contact import digits_of

REINDEX = """
INSERT INTO leads_leadsearch (lead_id, company_id, text)
SELECT lead.id, lead.company_id, lower(concat_ws(' ', lead.first_name, lead.last_name, lead.company_name, points.text))
FROM leads_lead AS lead
LEFT JOIN LATERAL (
    SELECT string_agg(value, ' ' ORDER BY kind, position) AS text FROM leads_contactpoint WHERE lead_id = lead.id
) AS points ON true
WHERE lead.id = ANY(%s)
ON CONFLICT (lead_id) DO UPDATE SET text = EXCLUDED.text WHERE leads_leadsearch.text <> EXCLUDED.text
"""
SHORTEST_PHONE = 4


def reindex(lead_ids: Sequence[int]) -> None:
    """Write the search text of these leads anew, in one statement. Call it where names or contact points change."""
    with connection.cursor() as cursor:
        cursor.execute(REINDEX, [list(lead_ids)])


def matches(text: str) -> Q:
    """The condition that a lead (through `search`) holds every word of `text`, or its digits as part of a phone.

    It looks at concealed fields, so it goes only on leads seen at `view` or better.
    """
    words = text.lower().split()
    condition = Q(*(Q(search__text__contains=word) for word in words))
    digits = digits_of(text)
    if len(digits) >= SHORTEST_PHONE and not any(character.isalpha() or character == "@" for character in text):
        condition |= Q(search__text__contains=digits)
    return condition
