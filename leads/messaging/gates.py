"""Whether a lead may be e-mailed (L7): what the person behind an address said last, to whichever lead of the company.

One expression says it of a lead and of all: who opted out is left alone though she comes in again or is merged.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import BooleanField, Exists, Func, OuterRef, Q, Value
from django.db.models.lookups import Exact, IsNull

from crm.organization.models import Company
from leads.models import ContactPoint, Lead

SAID = Func(
    "pk",
    template="""(
    SELECT said.given FROM leads_consent AS said WHERE said.kind = 'email' AND said.lead_id IN (
        SELECT %(expressions)s UNION
        SELECT alike.lead_id FROM leads_contactpoint AS point JOIN leads_contactpoint AS alike
            ON (alike.company_id, alike.kind, alike.value) = (point.company_id, point.kind, point.value)
        WHERE point.lead_id = %(expressions)s AND point.kind = 'email'
    ) ORDER BY said.id DESC LIMIT 1
)""",
    output_field=BooleanField(null=True),
)
WORDS = {
    "no_address": "No e-mail address",
    "opted_out": "Opted out of e-mails",
    "no_consent": "Your company e-mails only who agreed to it, and no consent is recorded",
}


class RefusedError(Exception):
    """The lead may not be e-mailed; the text says why."""


def shut(company: Company) -> Sequence[tuple[str, Q]]:
    """Why leads of the company may not be e-mailed: a code of WORDS, and the condition over Lead."""
    addresses = ContactPoint.objects.filter(lead=OuterRef("pk"), kind=ContactPoint.Kind.EMAIL)
    found = [("no_address", Q(~Exists(addresses))), ("opted_out", Q(Exact(SAID, Value(False))))]
    return [*found, ("no_consent", Q(IsNull(SAID, True)))] if company.consent_for_emails else found


def why_shut(lead: Lead) -> str:
    """Why this lead may not be e-mailed, in a sentence; empty where it may."""
    return why_word(lead.company, word_of(lead))


def word_of(lead: Lead) -> bool | None:
    """What was said last: yes, no, or nothing."""
    said: bool | None = Lead.objects.filter(pk=lead.pk).order_by("pk").values_list(SAID, flat=True).get()
    return said


def why_word(company: Company, said: bool | None) -> str:
    if said is False:
        return f"{WORDS['opted_out']}."
    return f"{WORDS['no_consent']}." if said is None and company.consent_for_emails else ""
