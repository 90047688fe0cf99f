"""One door to all formats: `read` a body as the people asking in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from routing.capture.formats import adf, bodies, events, facebook, plain, portals
from routing.capture.formats.bodies import Node, Record
from routing.capture.formats.guessing import PLACES
from routing.capture.formats.shape import Agent, Found, Inquiry, Pointer, SpamError, UnreadableError

__all__ = [
    "FORMATS",
    "PLACES",
    "Agent",
    "Format",
    "Inquiry",
    "Pointer",
    "SpamError",
    "UnreadableError",
    "questions",
    "read",
]

NO_MAPPING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Format:
    """How one kind of sender writes: a body as records, and a record as what is asked."""

    title: str
    nodes: Callable[[bytes, str], list[Node]]
    read: Callable[[Node, Mapping[str, str]], Inquiry | Found]


FORMATS: Mapping[str, Format] = {
    "facebook": Format("Facebook Lead Ads", bodies.nodes_in, facebook.read_facebook),
    "zillow": Format("Zillow", bodies.nodes_in, portals.read_zillow),
    "realtor": Format("Realtor.com", bodies.nodes_in, portals.read_realtor),
    "events": Format("Website events", bodies.nodes_in, events.read_event),
    "adf": Format("ADF/XML", adf.nodes_in, adf.read_prospect),
    "form": Format("Web form", bodies.nodes_in, plain.read_form),
    "json": Format("JSON", bodies.nodes_in, plain.read_json),
}


def read(format: str, body: bytes, content_type: str, mapping: Mapping[str, str] = NO_MAPPING) -> Found:
    """Everybody asking in `body`: all of them, or UnreadableError, which is all that a body can raise.

    `mapping` says question → one of PLACES, or `custom:<key>`, and goes before every guess; a question is a key as
    sent, or several joined by dots. A batch of Facebook's without news of leads is an empty list.
    """
    nodes = FORMATS[format].nodes(body, content_type)
    found: Found = []
    for number, node in enumerate(nodes, 1):
        try:
            made = FORMATS[format].read(node, mapping)
        except UnreadableError as error:
            if len(nodes) == 1:
                raise
            raise type(error)(f"Number {number} of {len(nodes)}: {error}") from error
        found.extend(made if isinstance(made, list) else [made])
    return found


def questions(format: str, body: bytes, content_type: str) -> dict[str, str]:
    """What can be mapped in a body: question → an answer to it, as sent. Raises UnreadableError."""
    answers: Record = [answer for node in FORMATS[format].nodes(body, content_type) for answer in bodies.flat(node)]
    return {".".join(answer.path): answer.text for answer in reversed(answers)}
