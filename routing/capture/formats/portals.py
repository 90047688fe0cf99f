"""Zillow and Realtor.com, each in both of its shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from routing.capture.formats.bodies import Node, Record, flat
from routing.capture.formats.composing import compose
from routing.capture.formats.guessing import Dialect
from routing.capture.formats.shape import Inquiry
from routing.capture.formats.text import squeeze

# neither sends the asking person's own address
OF_THE_PROPERTY = {
    "propertyaddress": "asked.street",
    "city": "asked.city",
    "state": "asked.state",
    "statecode": "asked.state",
    "stateabbreviation": "asked.state",
    "zip": "asked.postal_code",
    "zipcode": "asked.postal_code",
    "postalcode": "asked.postal_code",
    "price": "asked.price",
}
ZILLOW = Dialect(
    paths={"id": "external_id", "type": ""},
    leaves={
        **OF_THE_PROPERTY,
        "source": "",  # free text, not to be relied on
        "listingcontactemail": "agent.email",
        "listingid": "about:Listing",
        "listingunit": "asked.unit",
        "globallistingid": "about:Zillow listing",
        "numbedroomssought": "about:Bedrooms",
        "numbathroomssought": "about:Bathrooms",
        "neighborhoods": "about:Neighborhoods",
        "propertytypesdesired": "about:Property types",
        "leaselengthmonths": "about:Lease in months",
        "introduction": "about:Introduction",
        "leadtype": "",
    },
)
RENTAL = re.compile(r"listing|movingdate|lease|creditscore|petdetails|num(bed|bath)rooms")  # in keys of rentals alone
REALTOR = Dialect(leaves={**OF_THE_PROPERTY, "leadid": "external_id", "probabilitytotransact": ""})
REALTOR_NAMES = frozenset({"rdc", "realtor", "realtorcom", "movecom"})


def read_zillow(node: Node, mapping: Mapping[str, str]) -> Inquiry:
    answers = flat(node)
    inquiry = compose(answers, ZILLOW, mapping)
    return _of_kind(inquiry, "renter" if _is_rental(answers) else "buyer" if inquiry.asked else "")


def read_realtor(node: Node, mapping: Mapping[str, str]) -> Inquiry:
    """One name for the source, which the nested shape calls RDC."""
    inquiry = compose(flat(node), REALTOR, mapping)
    known = squeeze(inquiry.source) in REALTOR_NAMES
    inquiry = replace(inquiry, source="Realtor.com") if known else inquiry
    return _of_kind(inquiry, "buyer" if inquiry.asked else "")


def _of_kind(inquiry: Inquiry, kind: str) -> Inquiry:
    """What the payload itself says of the kind goes before what follows from the shape."""
    return replace(inquiry, fields={"kind": kind, **inquiry.fields}) if kind else inquiry


def _is_rental(answers: Record) -> bool:
    return any(RENTAL.search(squeeze(key)) for answer in answers for key in answer.path)
