"""Anybody's JSON or web form: no names known beforehand, so they are guessed, and a mapping goes first."""

from __future__ import annotations

from collections.abc import Mapping

from routing.capture.formats.bodies import Node, flat
from routing.capture.formats.composing import compose
from routing.capture.formats.guessing import Dialect
from routing.capture.formats.shape import Inquiry, SpamError
from routing.capture.formats.text import squeeze

THIRD_PARTY = Dialect()
WEB_FORM = Dialect(visitor_chooses=True)
HONEYPOT = "website"


def read_json(node: Node, mapping: Mapping[str, str]) -> Inquiry:
    return compose(flat(node), THIRD_PARTY, mapping)


def read_form(node: Node, mapping: Mapping[str, str]) -> Inquiry:
    """A form with a field that people do not see, unless somebody mapped a question of that name."""
    answers = flat(node)
    mapped = HONEYPOT in map(squeeze, mapping)
    if not mapped and any([squeeze(key) for key in answer.path] == [HONEYPOT] for answer in answers):
        raise SpamError("The hidden field “website” is filled in, which only machines do.")
    return compose(answers, WEB_FORM, mapping)
