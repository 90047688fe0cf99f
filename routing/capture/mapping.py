"""What the questions of a form mean (C4): seen in what came of late, set once, applied to all that comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.organization.models import User
from leads.models import CustomField
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from routing.capture.arrivals import format_of
from routing.capture.formats.inquiry import PLACES, UnreadableError, questions
from routing.models import Channel, FieldMap, InboundLead

CUSTOM = "custom:"
MOST_READ = 20  # requests in which questions are looked for
MOST_QUESTIONS = 100


def forms_of(channel: Channel) -> list[str]:
    """The forms that have a mapping each: Facebook’s by their ids, of others the channel as a whole."""
    if channel.kind != Channel.Kind.FACEBOOK:
        return [""]
    seen = InboundLead.objects.filter(channel=channel.pk).exclude(form_id="").order_by("form_id")
    return list(seen.values_list("form_id", flat=True).distinct())


def asked(channel: Channel, form_id: str) -> dict[str, str]:
    """The questions that came of late, each with an answer to it; those that are mapped already are among them."""
    found: dict[str, str] = dict.fromkeys(mapping_of(channel, form_id), "")
    for kind, body, content_type in _bodies(channel, form_id):
        try:
            answers = questions(kind, body, content_type)
        except UnreadableError:
            continue
        found |= {question: answer for question, answer in answers.items() if not found.get(question)}
    return dict(sorted(found.items())[:MOST_QUESTIONS])


def _bodies(channel: Channel, form_id: str) -> Iterator[tuple[str, bytes, str]]:
    if channel.kind == Channel.Kind.FACEBOOK:
        rows = InboundLead.objects.filter(channel=channel.pk, form_id=form_id, fetched__isnull=False).order_by("-pk")
        for body in rows.values_list("fetched", flat=True)[:MOST_READ]:
            yield channel.kind, bytes(body or b""), "application/json"
        return
    for request in channel.requests.order_by("-received_at")[:MOST_READ]:
        yield format_of(channel.kind, request.content_type), bytes(request.body), request.content_type


def mapping_of(channel: Channel, form_id: str) -> dict[str, str]:
    """Question → place, as it was set."""
    row = FieldMap.objects.filter(channel=channel.pk, form_id=form_id).first()
    return dict(row.fields) if row else {}


def places_for(company_id: int) -> list[tuple[str, str]]:
    """What a question can be said to mean."""
    own = CustomField.objects.filter(company=company_id).order_by("label", "pk").values_list("key", "label")
    return [("", "As its words say"), *PLACES.items(), *((f"{CUSTOM}{key}", label) for key, label in own)]


@transaction.atomic
def set_mapping(*, actor: User, channel: Channel, form_id: str, fields: Mapping[str, str]) -> None:
    """Set what the questions mean; one that means nothing in particular is guessed."""
    if not Channel.objects.managed_by(actor).filter(pk=channel.pk).exists():
        raise PermissionDenied("This is for whoever manages the channel.")
    before = mapping_of(channel, form_id)
    after = {question: place for question, place in fields.items() if place}
    if before == after:
        return
    FieldMap.objects.update_or_create(
        channel=channel, form_id=form_id, defaults={"company_id": channel.company_id, "fields": after}
    )
    record(
        Fact(
            company_id=channel.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=actor.pk,
            to_unit_id=channel.owner_unit_id,
            to_user_id=channel.owner_user_id,
            why="channel",
            detail={"channel": channel.pk, "change": "mapped", "name": channel.name, "form": form_id},
        )
    )
