"""What merge fields stand for: of a lead, and of whoever speaks to it."""

from __future__ import annotations

from crm.organization.models import User
from leads.messaging.fields import fill
from leads.models import Lead

COLUMNS = ("first_name", "last_name", "company_name", "street", "city", "state", "postal_code")


def merged(lead: Lead, speaker: User) -> dict[str, str]:
    """The fields of this lead, read with its stage, source and company."""
    values = {name: getattr(lead, name) for name in COLUMNS}
    return values | {
        "stage": lead.stage.name,
        "source": lead.source.name if lead.source else "",
        "agent": speaker.name,
        "company": lead.company.name,
    }


def filled(subject: str, body: str, lead: Lead, speaker: User) -> tuple[str, str]:
    """Subject and body for this lead; the subject on one line, whatever stands in its fields."""
    values = merged(lead, speaker)
    return " ".join(fill(subject, values).split()), fill(body, values)
