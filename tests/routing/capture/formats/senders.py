"""Bodies as lead sources send them, made up, and who is asking in each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from routing.capture.formats.inquiry import Inquiry, read

SAMPLES = Path(__file__).parent / "samples"
TYPES = {
    ".json": "application/json",
    ".form": "application/x-www-form-urlencoded",
    ".xml": "application/x-adf+xml",
}
FORMAT_OF = {
    "facebook_leadgen.json": "facebook",
    "facebook_lead.json": "facebook",
    "zillow_rental.form": "zillow",
    "zillow_contact.json": "zillow",
    "realtor_flat.json": "realtor",
    "realtor_nested.json": "realtor",
    "events.json": "events",
    "adf.xml": "adf",
    "website_form.form": "form",
}
PEOPLE = [name for name in FORMAT_OF if name != "facebook_leadgen.json"]
OBJECTS = [name for name in PEOPLE if name != "adf.xml"]  # what can be taken as keys and values


def body_of(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def type_of(name: str) -> str:
    return TYPES[Path(name).suffix]


def tree_of(name: str) -> dict[str, Any]:
    """A sample as an object, whichever way it is written."""
    text = body_of(name).decode()
    return dict(parse_qsl(text)) if name.endswith(".form") else json.loads(text)


def read_one(format: str, body: Any, content_type: str = "", mapping: dict[str, str] | None = None) -> Inquiry:
    """The one inquiry of a body, given as bytes or as what is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (found,) = read(format, raw, content_type, mapping or {})
    assert isinstance(found, Inquiry)
    return found


def read_sample(name: str) -> Inquiry:
    return read_one(FORMAT_OF[name], body_of(name), type_of(name))
