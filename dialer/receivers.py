"""A new company starts with dispositions (D10); who leaves, what is closed and who is erased leaves campaigns behind."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.backends.signals import connection_created

from crm.organization.models import Company, Unit, User
from crm.organization.signals import company_created
from dialer.campaign_filter import CampaignFilter
from dialer.models import Automation, CallAttempt, Disposition
from dialer.services.callbacks import PROMISED, given_by_promises
from dialer.services.funnel import FILTER
from dialer.services.leaving import hand_back, hand_up, join_campaigns, leave_campaigns
from dialer.services.ringing import heed
from dialer.services.serving import RESERVED, given_by_reservations
from leads import signals
from leads.filters import LeadFilter
from leads.models import Pond
from leads.services.running_ponds import Use, register_users
from permissions.keyring import register_source

DISPOSITIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Talked", {"contact_made": True, "recycle_after": 4320}),
    ("No answer", {"recycle_after": 240}),
    ("Left voicemail", {"outcome": "voicemail", "recycle_after": 1440}),
    ("Busy", {"outcome": "busy", "recycle_after": 30}),
    ("Callback", {"contact_made": True, "callback": True}),
    ("Sale", {"contact_made": True, "sale": True, "final": True}),
    ("Not interested", {"contact_made": True, "not_interested": True, "final": True}),
    ("Wrong number", {"outcome": "wrong_number", "final": True}),
    ("Do not call", {"contact_made": True, "do_not_call": True, "final": True}),
)


def on_company_created(sender: object, company: Company, **kwargs: Any) -> None:
    Disposition.objects.bulk_create(
        [
            Disposition(company=company, name=name, position=key, **flags)
            for key, (name, flags) in enumerate(DISPOSITIONS, start=1)
        ]
    )


def on_departing(sender: object, user: User, units: Collection[int] | None, **kwargs: Any) -> dict[str, Any]:
    return leave_campaigns(user, units)


def on_coming_back(sender: object, user: User, kept: dict[str, Any], **kwargs: Any) -> None:
    join_campaigns(user, kept.get(__name__, {}))


def on_closing(sender: object, unit: Unit, **kwargs: Any) -> dict[str, Any]:
    return hand_up(unit)


def on_reopening(sender: object, unit: Unit, kept: dict[str, Any], **kwargs: Any) -> None:
    hand_back(unit, kept.get(__name__, {}))


def on_erased(sender: object, lead_ids: Collection[int], **kwargs: Any) -> None:
    """Of the permission records all stays but the number."""
    CallAttempt.objects.filter(lead__pk__any_of=lead_ids).update(number="")


def ponds_used(pond: Pond) -> list[Use]:
    """Automations that move leads into it."""
    moving = Automation.objects.filter(pond=pond, active=True).select_related("unit").order_by("name", "pk")
    then = "Each of its runs is refused from then on, as its log says, until it is changed."
    return [Use(one.unit, f"the automation “{one.name}”", then) for one in moving]


def connect() -> None:
    company_created.connect(on_company_created, dispatch_uid="dialer.dispositions")
    signals.departing.connect(on_departing, dispatch_uid="dialer.departing")
    signals.coming_back.connect(on_coming_back, dispatch_uid="dialer.departing")
    signals.closing.connect(on_closing, dispatch_uid="dialer.closing")
    signals.reopening.connect(on_reopening, dispatch_uid="dialer.closing")
    signals.erased.connect(on_erased, dispatch_uid="dialer.erased")
    connection_created.connect(heed, dispatch_uid="dialer.ringing")
    register_source(given_by_reservations, RESERVED)
    register_source(given_by_promises, PROMISED)
    register_users(ponds_used)
    LeadFilter.register(FILTER, CampaignFilter(label="Campaign"))
