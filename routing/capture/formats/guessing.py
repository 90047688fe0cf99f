"""What an answer says, by the keys above it: whose it is, and which of our fields it fills.

A place is one of PLACES, or with a part: `asked.city`, `agent.email`, `chosen.email`, `utm.source`, `custom:<key>`,
`about:<label>`, `day:<label>`. An answer without a place is kept under its own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leads.imports.matching import FIELDS, field_named
from routing.capture.formats.text import squeeze, words_of

# what a company may map a question to; `custom:<key>` besides
PLACES: Mapping[str, str] = {
    **{name: label for name, label in FIELDS.items() if name not in {"time_zone", "score"}},
    "budget": "Budget",
    "message": "Message",
    "source": "Source",
    "consent": "Consent text",
    "external_id": "Their own id",
    "happened_at": "When it was sent",
    "agent": "Agent it is meant for",
    "chosen": "Agent the visitor chose",
    "about": "What it is about",
    "extra": "Other",
}

AGENTS = re.compile(r"recipient|agent|assigned|assignee")
CHOSEN = re.compile(r"preferred|chosen|selected|requested")
PROPERTIES = re.compile(r"property|listing|^(home|house|vehicle)$")
CAMPAIGNS = re.compile(r"^(campaign|utms?|tracking|marketing|attribution)$")
HOUSES = re.compile(r"^(company|office|account|team|brokerage|organi[sz]ation|site|website|device|meta)$")
VENDORS = frozenset({"vendor", "provider"})
WRAPPERS = re.compile(r"^(form(data|fields|response)?|page|event|webhook|workflow|ad)$")
OF_AGENT = re.compile(
    r"^(listing|preferred|chosen|selected|requested|your)?(recipient|assigned(to|agent|user)?|agents?)s?(?P<rest>.*)$"
)
OF_PROPERTY = re.compile(r"^(property|listing)(of)?(?P<rest>.+)$")
OF_PERSON = re.compile(
    r"^(lead|contact|customer|client|person|consumer|sender|buyer|user|prospect|visitor|your|my)(?P<rest>.+)$"
)
TRANSPARENT = frozenset({"value", "values", "number", "text", "answer", "raw", "rawvalue"})
MENTIONS = frozenset({
    *("move", "moving", "movein", "bedroom", "bedrooms", "beds", "bathroom", "bathrooms", "baths", "price"),
    *("timeframe", "timeline", "neighborhood", "neighborhoods", "neighbourhood", "area", "areas", "property", "home"),
    *("tour", "showing", "lease", "preapproved", "approved", "financing"),
})  # fmt: skip


def _table(rows: Mapping[str, str]) -> dict[str, str]:
    return {name: place for place, names in rows.items() for name in names.split()}


PERSONAL = _table({
    "message": "message messages comment comments note notes question questions inquiry enquiry msg body"
    " howcanwehelp howcanwehelpyou",
    "source": "source leadsource",
    "external_id": "leadid submissionid entryid inquiryid enquiryid externalid eventid leaduuid",
    "happened_at": "timestamp created createdat createdtime createddate occurredat submittedat submitted receivedat"
    " requestdate datetime",
    "consent": "consent consentid consenttext consenttextid consentversion tcpa tcpaconsent",
    "budget": "budget price pricerange budgetrange pricebudget",
    "kind": "iam iama iwantto interestedin lookingto buyerorseller transactiontype intent channel",
    "day:Move date": "movedate movingdate moveindate desiredmovein desiredmovedate desiredmoveindate movein",
    "about:Page": "sourceurl pageurl pagelink landingpage referrerurl",
    "asked.price": "listprice askingprice saleprice",
    "about:MLS": "mls mlsnumber mlsid",
    "postal_code": "addresscode",
    "street": "addressline1 addressline2 streetaddress1 streetaddress2",
})  # fmt: skip
OF_THE_PROPERTY = _table({
    "asked.street": "address street streetaddress addressline addressline1 fulladdress line1 propertyaddress",
    "asked.unit": "unit unitnumber apt apartment suite",
    "asked.city": "city town",
    "asked.state": "state statecode stateabbreviation province regioncode",
    "asked.postal_code": "zip zipcode code postalcode postcode",
    "asked.price": "price listprice askingprice saleprice",
    "about:MLS": "mls mlsnumber mlsid",
    "about:Link": "url link permalink",
    "about:Listing": "id listingid",
    "message": "message comments comment",
})  # fmt: skip
CLICKS = frozenset({"gclid", "fbclid", "msclkid"})
UTM = frozenset({"source", "medium", "campaign", "term", "content", "id", "name", *CLICKS})


@dataclass(frozen=True)
class Dialect:
    """How one vendor differs: `paths` place an answer by all its keys, `leaves` by the last one. Both squeezed."""

    paths: Mapping[str, str] = field(default_factory=dict)
    leaves: Mapping[str, str] = field(default_factory=dict)
    visitor_chooses: bool = False  # an agent named without more is the visitor's choice


def place_of(path: Sequence[str], dialect: Dialect) -> str:
    """Where the answer under these keys belongs, or nothing."""
    names = [name for name in path if squeeze(name)]
    while len(names) > 1 and squeeze(names[-1]) in TRANSPARENT:
        names.pop()
    if not names:
        return ""
    *above, leaf = map(squeeze, names)
    if (place := dialect.paths.get(".".join([*above, leaf]))) is not None:
        return place
    if place := _of_agent(above, leaf, dialect):
        return place
    if any(map(CAMPAIGNS.search, above)) or leaf.startswith("utm") or leaf in CLICKS:
        name = leaf.removeprefix("utm").removeprefix("campaign") or "campaign"
        return f"utm.{name}" if name in UTM else ""
    if any(map(PROPERTIES.search, above)):
        return _of_property(leaf)
    parent = field_named(names[-2]) if above else ""
    if parent in ("phone", "email") and field_named(names[-1]) != parent:
        return ""  # its type or its status
    if (place := dialect.leaves.get(leaf)) is not None:
        return place
    return _of_person(names, above, leaf)


def _of_agent(above: list[str], leaf: str, dialect: Dialect) -> str:
    inside = any(map(AGENTS.search, above))
    found = OF_AGENT.fullmatch(leaf)
    if leaf in dialect.leaves and not inside:
        return ""
    if not inside and not found:
        return ""
    rest = found["rest"] if found else leaf
    part = field_named(rest) if rest else ""
    chosen = CHOSEN.search(leaf) or any(map(CHOSEN.search, above))
    plain = dialect.visitor_chooses and not re.search("assigned|listing|recipient", " ".join([*above, leaf]))
    whose = "chosen" if chosen or plain else "agent"
    if part in ("name", "first_name", "last_name", "email", "phone"):
        return f"{whose}.{part}"
    return whose if found and not rest else "extra" if inside else ""


def _of_property(leaf: str) -> str:
    found = OF_PROPERTY.fullmatch(leaf)
    rest = found["rest"] if found else leaf
    return OF_THE_PROPERTY.get(leaf) or OF_THE_PROPERTY.get(rest) or "about"


def _of_person(names: Sequence[str], above: list[str], leaf: str) -> str:
    if found := OF_PROPERTY.fullmatch(leaf):
        return OF_THE_PROPERTY.get(found["rest"], "about")
    if VENDORS & set(above) or (above and HOUSES.search(above[-1])):
        return ""
    if above and leaf in ("name", "title", "type") and WRAPPERS.search(above[-1]):
        return ""  # the form's, not the person's
    found = OF_PERSON.fullmatch(leaf)
    rest = found["rest"] if found else leaf
    parent = above[-1] if above else ""
    for name in (leaf, rest, parent + leaf):
        if name in PERSONAL:
            return PERSONAL[name]
    field = field_named(names[-1]) or field_named(rest) or field_named(f"{parent} {leaf}")
    if field in ("time_zone", "score"):  # ours are not theirs
        return ""
    words = set(words_of(names[-1]).lower().strip("?").split())
    return field or ("budget" if "budget" in words else "about" if MENTIONS & words else "")
