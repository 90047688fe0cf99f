"""Facebook Lead Ads: first ids in a batch of changes, then, for each, the answers to the advertiser's own questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from routing.capture.formats.bodies import MOST_RECORDS, Answer, Node, flat
from routing.capture.formats.composing import compose
from routing.capture.formats.guessing import Dialect
from routing.capture.formats.shape import Found, Pointer, UnreadableError
from routing.capture.formats.text import clean, squeeze

GRAPH = Dialect(
    paths={"id": "external_id", "createdtime": "happened_at"},
    leaves={
        "postcode": "postal_code",
        "jobtitle": "",
        "workemail": "email",
        "workphonenumber": "phone",
        "campaignname": "utm.campaign",
        "platform": "",
    },
)
CHOICE = re.compile(r"[^\s@/]+")
ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


def read_facebook(node: Node, mapping: Mapping[str, str]) -> Found:
    """Pointers of a batch, none where its changes are not about leads; or the one inquiry of a Graph answer."""
    top = {squeeze(key): value for key, value in node}
    if "entry" in top:
        return list(dict.fromkeys(_pointers(top["entry"])))
    if "error" in top:
        words = [answer.text for answer in flat(top["error"]) if answer.path[-1:] == ("message",)]
        raise UnreadableError(f"Facebook refused: {' '.join(words)[:200] or 'without a reason'}")
    if "fielddata" not in top:
        raise UnreadableError("There is neither a change (“entry”) nor the answers of a lead (“field_data”) in it.")
    return [compose([_in_words(answer) for answer in flat(_answered(node))], GRAPH, mapping)]


def _answered(node: Node) -> Node:
    """Without questions that lack an answer altogether: what a question is called is nobody's name."""
    return tuple(
        (key, [one for one in value if not _is_bare(one)] if isinstance(value, list) else value) for key, value in node
    )


def _is_bare(node: Node) -> bool:
    return isinstance(node, tuple) and [squeeze(key) for key, _ in node] == ["name"]


def _in_words(answer: Answer) -> Answer:
    """Choices come as keys: within_3_months."""
    inside = bool(answer.path) and squeeze(answer.path[0]) == "fielddata"
    return Answer(answer.path, answer.text.replace("_", " ")) if inside and CHOICE.fullmatch(answer.text) else answer


def _pointers(entries: Node) -> Iterator[Pointer]:
    changes = [change for entry in _many(entries) for change in _many(_get(entry, "changes"))]
    wanted = [change for change in changes if _get(change, "field") in ("leadgen", None)]
    if len(wanted) > MOST_RECORDS:
        raise UnreadableError(f"It holds {len(wanted):,} leads; up to {MOST_RECORDS} can come at once.")
    for change in wanted:
        value = _get(change, "value")
        ids = [_id(_get(value, name)) for name in ("leadgen_id", "form_id", "page_id")]
        if not ids[0]:
            raise UnreadableError("A change of “leadgen” has no “leadgen_id”.")
        yield Pointer(*ids)


def _many(node: Node) -> list[Node]:
    return node if isinstance(node, list) else [] if node is None else [node]


def _get(node: Node, name: str) -> Node:
    """The value of a key however it is spelt."""
    found = [value for key, value in node if squeeze(key) == squeeze(name)] if isinstance(node, tuple) else []
    return found[0] if found else None


def _id(node: Node) -> str:
    text = clean(node) if isinstance(node, str) else ""
    return text if ID.fullmatch(text) else ""
