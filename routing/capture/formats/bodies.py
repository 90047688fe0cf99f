"""A body, JSON or form-encoded, as records of answers: each a path of keys as sent, and a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from routing.capture.formats.shape import UnreadableError
from routing.capture.formats.text import clean, decode, squeeze

DEEPEST = 32
MOST_ANSWERS = 2_000  # in a record
MOST_RECORDS = 200

# JSON with its repeated keys: an object is a tuple of pairs, an array a list, a number the text it was written as
Node = Any
Pairs = tuple[tuple[str, Node], ...]

LISTS = frozenset({"leads", "events", "inquiries", "enquiries", "submissions", "prospects", "records", "data"})
QUESTIONS = ("question", "label", "name", "key", "field", "fieldname", "title")
REPLIES = frozenset({"answer", "answers", "value", "values", "response"})
BOUNDARY = re.compile(r"boundary=\"?([^\s\";,]{1,200})", re.IGNORECASE)
NAME = re.compile(rb'[ ;]name="([^"\r\n]{1,400})"', re.IGNORECASE)
FILE = re.compile(rb'filename="([^"\r\n]{0,400})"', re.IGNORECASE)
BESIDE = frozenset({"id", "type", "fieldid", "fieldtype", "rawvalue", "required", "order", "ref"})
HOLD_JSON = re.compile(r"(json|payload|data)$")


class Answer(NamedTuple):
    path: tuple[str, ...]
    text: str


Record = list[Answer]


def nodes_in(body: bytes, content_type: str) -> list[Node]:
    """The records of a body, each still a tree. Raises UnreadableError, which says where it breaks off."""
    if content_type.lower().lstrip().startswith("multipart/form-data"):
        return [_multipart(body, content_type)]
    text = decode(body, content_type).strip()
    if not text:
        raise UnreadableError("It is empty.")
    if text[0] in '{["' or "json" in content_type.lower():
        return split(read_json(text))
    if "=" not in text or text[0] == "<":
        raise UnreadableError("It is neither JSON nor form data.")
    return [_form(text)]


def read_json(text: str) -> Node:
    try:
        node = json.loads(text, object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"It is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from error
    except RecursionError as error:
        raise UnreadableError(f"It is nested deeper than {DEEPEST} levels.") from error
    if isinstance(node, str) and node.lstrip()[:1] in ("{", "["):  # JSON in a string, as relays send it
        return read_json(node)
    return node


def split(node: Node) -> list[Node]:
    """The records of a body that is one, a list of them, or an object holding such a list; what is beside it, in each."""
    if isinstance(node, list):
        records = node
    elif isinstance(node, tuple) and (held := [(key, one) for key, one in node if _holds_records(key, one)]):
        beside = tuple(pair for pair in node if pair[0] != held[0][0])
        records = [(*one, *beside) for one in held[0][1]]
    else:
        records = [node]
    if not records or not all(isinstance(one, tuple) for one in records):
        raise UnreadableError("It is JSON, but no object with answers in it.")
    if len(records) > MOST_RECORDS:
        raise UnreadableError(f"It holds {len(records):,} inquiries; up to {MOST_RECORDS} can come at once.")
    return records


def _holds_records(key: str, node: Node) -> bool:
    objects = isinstance(node, list) and bool(node) and all(isinstance(one, tuple) for one in node)
    return squeeze(key) in LISTS and objects and _question_of(node[0]) is None


def flat(node: Node) -> Record:
    """The answers of a record in their order; empty ones are left out."""
    answers = list(islice(_walk(node, (), 0), MOST_ANSWERS + 1))
    if len(answers) > MOST_ANSWERS:
        raise UnreadableError(f"It holds more than {MOST_ANSWERS:,} answers.")
    return answers


def _walk(node: Node, path: tuple[str, ...], depth: int) -> Iterator[Answer]:
    if depth > DEEPEST:
        raise UnreadableError(f"It is nested deeper than {DEEPEST} levels.")
    if isinstance(node, list):
        for one in node:
            yield from _walk(one, path, depth + 1)
    elif isinstance(node, tuple) and depth and (asked := _question_of(node)) is not None:
        yield from _walk(asked[1], (*path, clean(asked[0])), depth + 1)
    elif isinstance(node, tuple):
        for key, one in node:
            yield from _walk(one, (*path, clean(key)), depth + 1)
    elif isinstance(node, bool):
        yield Answer(path, "yes" if node else "no")
    elif node is not None and (text := clean(node)):
        yield from _expanded(path, text, depth)


def _expanded(path: tuple[str, ...], text: str, depth: int) -> Iterator[Answer]:
    """A text, or what is in it where its key says that it holds JSON and it does."""
    if text[0] in "{[" and path and HOLD_JSON.search(squeeze(path[-1])):
        try:
            yield from _walk(read_json(text), path, depth + 1)
            return
        except UnreadableError:
            pass
    yield Answer(path, text)


def _question_of(node: Pairs) -> tuple[str, Node] | None:
    """Question and answer of an object that is just that: `{"name": …, "values": […]}`."""
    named = {squeeze(key): value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in node}
    question = next((named[key] for key in QUESTIONS if isinstance(named.get(key), str)), "")
    replies = [value for key, value in named.items() if key in REPLIES]
    alone = named.keys() <= {*QUESTIONS, *REPLIES, *BESIDE}
    return (question, replies[0]) if question and len(replies) == 1 and alone else None


def _form(text: str) -> Pairs:
    parts = text.split("&", MOST_ANSWERS + 1)
    if len(parts) > MOST_ANSWERS:
        raise UnreadableError(f"It holds more than {MOST_ANSWERS:,} answers.")
    return tuple(_nested(*map(_unquoted, part.partition("=")[::2])) for part in parts if part)


def _unquoted(text: str) -> str:
    raw = unquote_to_bytes(text.replace("+", " "))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _nested(key: str, value: str) -> tuple[str, Node]:
    """`fields[email][value]` as an object in an object; numbers in brackets only count."""
    first, *rest = [part for part in re.split(r"[\[\]]+", key[:400]) if part] or [key]
    node: Node = value
    for part in reversed([part for part in rest if not part.isdecimal()]):
        node = ((part, node),)
    return first, node


def _multipart(body: bytes, content_type: str) -> Pairs:
    """What a browser sends of a form that could hold files; of a file only its name is kept."""
    boundary = BOUNDARY.search(content_type)
    parts = body.split(b"--" + boundary[1].encode(), MOST_ANSWERS) if boundary else []
    pairs = []
    for part in parts[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if name := NAME.search(head):
            content = file[1] if (file := FILE.search(head)) else content.removesuffix(b"\r\n")
            pairs.append(_nested(decode(name[1], ""), decode(content, "")))
    if not pairs:
        raise UnreadableError("It is not the form data it says it is.")
    return tuple(pairs)
