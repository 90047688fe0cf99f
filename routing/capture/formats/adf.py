"""ADF 1.0 as it is really written: text unescaped, dates misspelt. No DTD is read and no entity of one resolved."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from xml.parsers import expat

from routing.capture.formats.bodies import DEEPEST, MOST_RECORDS, Node, flat
from routing.capture.formats.composing import compose
from routing.capture.formats.guessing import Dialect
from routing.capture.formats.shape import Inquiry, UnreadableError
from routing.capture.formats.text import decode

# taken out of the text before it is mended: comments, instructions, and sections or comments of a person, kept as text
VERBATIM = re.compile(
    r"(?P<drop><!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z))|(?P<section><!\[CDATA\[.*?(?:\]\]>|\Z))"
    r"|(?P<open><comments>)(?!\s*<!\[CDATA\[)(?P<words>.*?)(?P<close></comments\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
FORBIDDEN = re.compile(r"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
LONE = re.compile(r"&(?!(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});)")
REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[^;&]{2,32};")
ANGLE = re.compile(r"<(?!/?[A-Za-z])|<(?P<name>[A-Za-z][\w.:-]*)(?P<inside>[^<>]*)(?P<end>>?)")
ATTRIBUTES = re.compile(r"(?:\s+[\w.:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?")
CLOSED_PROSPECT = re.compile(r"</([\w.-]+:)?prospect\s*>", re.IGNORECASE)
CLOSED = re.compile(r"</([A-Za-z][\w.:-]*)")
ILLEGAL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
STRUCTURE = frozenset({("name", "type"), ("name", "part"), ("street", "line"), ("id", "sequence")})

PEOPLE = {
    "name": "name",
    "name.full": "name",
    "name.first": "first_name",
    "name.last": "last_name",
}
ADF = Dialect(
    paths={
        "id": "external_id",
        "id.source": "",
        "requestdate": "happened_at",
        "customer.comments": "message",
        **{f"customer.contact.{path}": place for path, place in PEOPLE.items()},
        **{f"vendor.contact.{path}": f"agent.{place}" for path, place in PEOPLE.items()},
        **{f"vendor.contact.{part}": f"agent.{part}" for part in ("email", "phone")},
        **{f"provider.{path}": "source" for path in ("name", "name.full")},
        "customer.contact.address.street": "street",
        "customer.contact.address.apartment": "street",
        "customer.contact.address.regioncode": "state",
    },
    leaves={"status": "", "type": "", "time": "", "preferredcontact": ""},
)


def nodes_in(body: bytes, content_type: str) -> list[Node]:
    """The prospects of a body, whatever stands before and after them."""
    text = ILLEGAL.sub("", decode(body, content_type))
    if "<" not in text:
        text = html.unescape(text)  # as some mail programs send it on
    if "<" not in text:
        raise UnreadableError("It is not XML: there is no element in it." if text.strip() else "It is empty.")
    prospects = list(_prospects(_parsed(text))) if CLOSED_PROSPECT.search(text) else []
    if not prospects:
        raise UnreadableError("There is no whole <prospect> in it.")
    if len(prospects) > MOST_RECORDS:
        raise UnreadableError(f"It holds {len(prospects):,} prospects; up to {MOST_RECORDS} can come at once.")
    return prospects


def read_prospect(node: Node, mapping: Mapping[str, str]) -> Inquiry:
    return compose(flat(node), ADF, mapping)


def _prospects(node: Node) -> Iterator[Node]:
    for key, one in node if isinstance(node, tuple) else ():
        if key == "prospect":
            yield one
        else:
            yield from _prospects(one)


def _mended(text: str) -> Iterator[str]:
    """The text with each & and < that is no markup escaped; lines keep their numbers."""
    closed, at = set(CLOSED.findall(text)), 0
    for found in VERBATIM.finditer(text):
        yield _escaped(text[at : found.start()], closed)
        at = found.end()
        if found["drop"]:
            yield "\n" * found["drop"].count("\n")
        else:
            words = html.escape(html.unescape(found["words"] or ""))
            yield found["section"] or f"{found['open']}{words}{found['close']}"
    yield _escaped(text[at:], closed)


def _escaped(text: str, closed: set[str]) -> str:
    if found := FORBIDDEN.search(text):
        raise UnreadableError(f"It holds a <!{found[1].upper()}>, which no lead needs and which is never read.")

    def angle(found: re.Match[str]) -> str:
        name, inside = found["name"], found["inside"] or ""
        markup = name and found["end"] and ATTRIBUTES.fullmatch(inside)
        return found[0] if markup and (name in closed or inside.endswith("/")) else f"&lt;{found[0][1:]}"

    return ANGLE.sub(angle, REFERENCE.sub(_character, LONE.sub("&amp;", text)).replace("]]>", "]]&gt;"))


def _character(found: re.Match[str]) -> str:
    """A reference to a character as that character; one to anything else as the text it is."""
    return html.escape(ILLEGAL.sub("", html.unescape(found[0])))


class _Tree:
    """Elements as nodes: tag → text, tag → what is in it; an attribute is like an element in it."""

    def __init__(self) -> None:
        self.open: list[list[tuple[str, Node]]] = [[]]
        self.parts: list[str] = [""]
        self.pieces: list[list[str]] = [[]]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.open) > DEEPEST:
            raise UnreadableError(f"It is nested deeper than {DEEPEST} levels.")
        own = _plain(tag)
        named = [(_plain(name), value) for name, value in attributes.items()]
        self.open.append([pair for pair in named if (own, pair[0]) not in STRUCTURE])
        self.parts.append(dict(named).get("part", "") if own == "name" else "")
        self.pieces.append([])

    def data(self, text: str) -> None:
        self.pieces[-1].append(text)

    def end(self, tag: str) -> None:
        inside, part, text = self.open.pop(), self.parts.pop(), "".join(self.pieces.pop())
        own = "fax" if ("type", "fax") in inside else _plain(tag)
        if own == "prospect":
            self.open[-1].append((own, tuple(inside)))
            return
        self.open[-1].append((own, ((part, text),) if part else text))
        if inside:
            self.open[-1].append((own, tuple(inside)))


def _plain(tag: str) -> str:
    return tag.rpartition(":")[2].lower()


def _parsed(text: str) -> Node:
    tree, parser = _Tree(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.data
    try:
        parser.Parse(f"<all>{''.join(_mended(text))}</all>", True)
    except expat.ExpatError as error:
        raise UnreadableError(f"It is not XML: line {error.lineno}: {expat.ErrorString(error.code)}.") from error
    return tuple(tree.open[0])
