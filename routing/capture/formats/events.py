"""The real-estate event that most website vendors can send: a person, what she did, and the property it was about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from routing.capture.formats.bodies import Node, flat
from routing.capture.formats.composing import compose
from routing.capture.formats.guessing import Dialect
from routing.capture.formats.shape import Inquiry
from routing.capture.formats.text import squeeze

EVENTS = Dialect(paths=dict.fromkeys(("type", "eventtype", "event.type", "data.type", "payload.type"), "event"))
LEADS = {  # the others are activities of somebody known
    squeeze(name): name
    for name in (
        "Registration",
        "Inquiry",
        "Property Inquiry",
        "Seller Inquiry",
        "General Inquiry",
        "Visited Open House",
    )
}


def read_event(node: Node, mapping: Mapping[str, str]) -> Inquiry:
    """An event without a type is an inquiry: rather one lead too many than one lost."""
    inquiry = compose(flat(node), EVENTS, mapping)
    event = LEADS.get(squeeze(inquiry.event), inquiry.event) or "Inquiry"
    if event == "Seller Inquiry":
        kind = "seller"
    else:
        kind = "buyer" if event == "Property Inquiry" or (event == "Inquiry" and inquiry.asked) else ""
    fields = {"kind": kind, **inquiry.fields} if kind else inquiry.fields
    return replace(inquiry, event=event, makes_lead=event in LEADS.values(), fields=fields)
