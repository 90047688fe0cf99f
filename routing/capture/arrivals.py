"""An inquiry as the arrival that the leads' room takes in: whose it is, who works it, what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from crm.organization.models import Company, Unit, User
from leads.services.arriving import Arrival
from permissions.catalog import Permission
from routing.capture.formats.inquiry import Agent, Inquiry
from routing.models import Channel

KIND = Channel.Kind
VENDORS = {KIND.ZILLOW: "Zillow", KIND.REALTOR: "Realtor.com", KIND.FACEBOOK: "Facebook"}
ANY = frozenset({KIND.WEBSITE, KIND.AGENT_SITE})  # they send a form, or JSON


def format_of(kind: str, content_type: str) -> str:
    """Which reader takes it."""
    if kind in ANY:
        return "json" if "json" in content_type.lower() else "form"
    return kind


def people_named(company: Company, inquiries: Iterable[Inquiry]) -> Mapping[str, User]:
    """The active colleagues whom these name by their e-mail."""
    named = {agent.email.strip().lower() for one in inquiries for agent in _agents(one) if agent.email}
    people = User.objects.filter(company=company, is_active=True, email__in=named).order_by("pk")
    return {person.email.lower(): person for person in people}


def _agents(inquiry: Inquiry) -> Iterator[Agent]:
    """Who was named for it: by the vendor, then by the visitor (C7)."""
    yield from filter(None, (inquiry.agent, inquiry.chosen))


def arrival_of(ref: int, channel: Channel, inquiry: Inquiry, people: Mapping[str, User]) -> Arrival:
    fields = dict(inquiry.fields)
    if inquiry.tags:
        fields["tags"] = list(inquiry.tags)
    found = (people.get(agent.email.strip().lower()) for agent in _agents(inquiry))
    return Arrival(
        ref=ref,
        owner=channel.owner,
        why=channel.name,
        fields=fields,
        phones=inquiry.phones,
        emails=inquiry.emails,
        custom=inquiry.custom,
        source=VENDORS.get(KIND(channel.kind), inquiry.source or channel.name),
        said=words_of(inquiry),
        hidden=_starts_hidden(channel),
        routed_by=channel.routing_unit if isinstance(channel.owner, Unit) else None,
        agent=next((person for person in found if person is not None), None),
        happened_at=inquiry.happened_at,
        makes_lead=inquiry.makes_lead,
    )


def _starts_hidden(channel: Channel) -> bool:
    """As the channel says, as long as its owner's profile lets her hide (V4)."""
    return channel.hidden and channel.owner_user is not None and channel.owner_user.has_perm(Permission.HIDE_LEAD)


def words_of(inquiry: Inquiry) -> str:
    """All that was sent and has no place on the lead, in lines for the timeline."""
    named = [f"Agent named: {agent.name or agent.email}" for agent in _agents(inquiry)]
    answers = [
        f"{label}: {text}" for part in (inquiry.about, inquiry.extra, inquiry.utm) for label, text in part.items()
    ]
    consent = [f"Consent given to: {inquiry.consent}"] if inquiry.consent else []
    return "\n".join(filter(None, [inquiry.event, inquiry.message, *named, *answers, *consent]))
