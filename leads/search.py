"""Finding a lead by name, phone in any format, e-mail, address or tag (L6): one lower-case text per lead, under a trigram
index, which finds it in spite of a slip as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BooleanField, Func, Q, TextField, Value

from leads.contact import UnreadableContactError, digits_of, read_phone

REINDEX = """
INSERT INTO leads_leadsearch (lead_id, company_id, text)
SELECT lead.id, lead.company_id, lower(concat_ws(' ', lead.first_name, lead.last_name, lead.company_name, points.text,
    nullif(lead.street, ''), nullif(lead.city, ''), nullif(lead.state, ''), nullif(lead.postal_code, ''),
    nullif(array_to_string(lead.tags, ' '), '')))
FROM leads_lead AS lead
LEFT JOIN LATERAL (
    SELECT string_agg(value, ' ' ORDER BY kind, position) AS text FROM leads_contactpoint WHERE lead_id = lead.id
) AS points ON true
WHERE lead.id = ANY(%s)
ON CONFLICT (lead_id) DO UPDATE SET text = EXCLUDED.text WHERE leads_leadsearch.text <> EXCLUDED.text
"""
SHORTEST_PHONE = 4
WHOLE_PHONE = 10  # digits
SHORTEST_SLIP = 4  # letters: a shorter word has to be as it is written
RUN = 3  # letters together that the index can find
MOST_WORDS = 6
SOUNDS = (("ph", "f"), ("f", "ph"), ("ks", "x"), ("x", "ks"))  # as a name is heard on the phone
ANY_LETTER = "\0"


def reindex(lead_ids: Sequence[int]) -> None:
    """Write the search text of these leads anew, in one statement. Call it where what they are found by changes."""
    with connection.cursor() as cursor:
        cursor.execute(REINDEX, [list(lead_ids)])


def matches(text: str, region: str) -> Q:
    """The condition that a lead (through `search`) holds every word of `text`, or its digits as part of a phone. Of a whole
    number, as people of `region` write it, nothing else will do.

    It looks at concealed fields, so it goes only on leads seen at `view` or better.
    """
    if number := whole_number(text, region):
        return Q(search__text__contains=number)
    words = text.lower().split()
    condition = Q(*(Q(search__text__contains=word) for word in words))
    digits = digits_of(text)
    if len(digits) >= SHORTEST_PHONE and _is_of_digits(text):
        condition |= Q(search__text__contains=digits)
    return condition


def whole_number(text: str, region: str) -> str:
    """The phone that is written with its area code, in E.164; empty where it is none."""
    if len(digits_of(text)) < WHOLE_PHONE or not _is_of_digits(text):
        return ""
    try:
        return read_phone(text, region)
    except UnreadableContactError:
        return ""


def _is_of_digits(text: str) -> bool:
    return not any(character.isalpha() or character == "@" for character in text)


def alike(text: str) -> Q:
    """The condition that a lead holds every word of `text` but for a slip in each; a short word as it is. Nothing is like a
    phone that is written in full. As `matches`, it goes only on leads that are open.
    """
    words = text.lower().split()[:MOST_WORDS]
    if len(digits_of(text)) >= WHOLE_PHONE and _is_of_digits(text):
        return Q(pk__in=())
    if not any(len(word) >= SHORTEST_SLIP for word in words):
        return Q(pk__in=())
    return Q(
        *(_like_any(slips(word)) if len(word) >= SHORTEST_SLIP else Q(search__text__contains=word) for word in words)
    )


def slips(word: str) -> list[str]:
    """Patterns of LIKE for what may have been meant: a letter is wrong, missing or too much, two are changed about, or what
    was heard is written otherwise.

    Each has RUN letters together, so that the index serves.
    """
    near = [word]
    for at in range(len(word)):
        before, rest = word[:at], word[at + 1 :]
        near += [before + ANY_LETTER + rest, before + ANY_LETTER + word[at:]]
        near += [before + rest] if len(word) > SHORTEST_SLIP else []
        near += [before + rest[0] + word[at] + rest[1:]] if rest else []
    near += [word.replace(heard, written, 1) for heard, written in SOUNDS]
    found = {one.strip(ANY_LETTER): None for one in near}  # in order, each once
    return [f"%{_escaped(one)}%" for one in found if max(map(len, one.split(ANY_LETTER))) >= RUN]


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text).replace(ANY_LETTER, "_")


def _like_any(patterns: Sequence[str]) -> Q:
    wanted = Func(Value(list(patterns), output_field=ArrayField(TextField())), function="ANY")
    return Q(
        Func("search__text", wanted, template="(%(expressions)s)", arg_joiner=" LIKE ", output_field=BooleanField())
    )
