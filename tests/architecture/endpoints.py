"""The table of endpoints.txt, read, and asked of the product."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.architecture.addresses import Address
from tests.factories.crossing import PEOPLE, Crossing

TABLE = Path(__file__).with_name("endpoints.txt")
ANSWER = r"(?:in|\d{3})"
ROW = re.compile(
    r"(?P<method>[A-Z]+) +(?P<name>[\w:*-]+)(?:\((?P<things>[^)]*)\))?(?P<sent>(?: +[\w-]+=\S*)*)"
    rf" +(?P<statuses>{ANSWER}(?: +{ANSWER}){{{len(PEOPLE) - 1}}})(?P<marks>(?: +[a-z]+)*)"
)
THING = re.compile(r"@([a-z_]+)(?![.\w])")
MARKS = {"leads", "machines"}
HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Row:
    method: str
    name: str
    things: tuple[str, ...] = ()
    sent: tuple[tuple[str, str], ...] = ()
    statuses: tuple[str, ...] = ("?",) * len(PEOPLE)
    marks: frozenset[str] = frozenset()

    @classmethod
    def of(cls, line: str) -> Row:
        found = ROW.fullmatch(line)
        assert found, f"{TABLE.name}: cannot read {line!r}"
        things = tuple(thing.strip() for thing in (found["things"] or "").split(",") if thing.strip())
        sent = tuple((name, value) for name, _, value in (pair.partition("=") for pair in found["sent"].split()))
        marks = frozenset(found["marks"].split())
        assert marks <= MARKS, f"{TABLE.name}: no such mark: {line!r}"
        return cls(found["method"], found["name"], things, sent, tuple(found["statuses"].split()), marks)

    def __str__(self) -> str:
        return "  ".join([f"{self.asked:67}", *(f"{one:3}" for one in self.statuses), *sorted(self.marks)]).rstrip()

    @property
    def asked(self) -> str:
        """The row without its answers."""
        address = f"{self.name}({', '.join(self.things)})" if self.things else self.name
        return " ".join([f"{self.method:4}", address, *(f"{name}={value}" for name, value in self.sent)])

    def path(self, scene: Crossing) -> str:
        return reverse(self.name, args=[self.meant(thing, scene) for thing in self.things])

    def data(self, scene: Crossing) -> dict[str, str]:
        return {name: THING.sub(lambda at: scene.things[at[1]], value) for name, value in self.sent}

    def meant(self, thing: str, scene: Crossing) -> str:
        if thing == "*":
            return row_of(self.name, scene)
        return thing[1:] if thing[:1] == "=" else scene.things[thing]


def row_of(name: str, scene: Crossing) -> str:
    """The id of a row of the scene's company, of the model that `admin:leads_stage_change` is about."""
    label, model_name = name.partition(":")[2].split("_")[:2]
    model = apps.get_model(label, model_name)
    rows = model._base_manager.filter(company=scene.harbor.company).order_by("-pk")
    assert rows, f"put a {model_name} into the scene, for {name}"
    return str(rows[0].pk)


def read_table() -> list[Row]:
    lines = (line.partition("#")[0].strip() for line in TABLE.read_text().splitlines())
    return [Row.of(line) for line in lines if line]


def written_out(table: list[Row], known: Iterable[Address]) -> list[Row]:
    """The table, with a row for a kind of page (`admin:*_add`) once for each such name that has no row of its own."""
    own = {(row.method, row.name) for row in table}
    names = sorted({address.name for address in known})
    return [
        replace(row, name=name)
        for row in table
        for name in (names if "*" in row.name else [row.name])
        if name == row.name or (fnmatchcase(name, row.name) and (row.method, name) not in own)
    ]


@dataclass(frozen=True)
class Answer:
    """`said` is all that came back: headers, body, and what the next page would announce."""

    status: int
    location: str
    said: str

    @classmethod
    def of(cls, response: Any) -> Answer:
        content = b"".join(response.streaming_content) if response.streaming else response.content
        announced = [str(message) for message in get_messages(response.wsgi_request)]
        headers = {name: sorted(value.split("; ")) for name, value in response.headers.items()}  # some are sets
        said = "\n".join([str(headers), content.decode(), *announced])
        return cls(response.status_code, response.headers.get("Location", ""), said)


def hear(client: Client, row: Row, scene: Crossing) -> tuple[str, Answer]:
    """The answer, and how the table writes it."""
    answer = ask(client, row, scene)
    if answer.status == 302 and answer.location.startswith(reverse("account_login")):
        return ("in" if ask(client, row, scene, HTMX).status == 401 else "302"), answer
    return str(answer.status), answer


def ask(client: Client, row: Row, scene: Crossing, headers: dict[str, str] | None = None, method: str = "") -> Answer:
    """The answer to a request of which nothing stays: not in the database, the cache or the browser."""
    cache.clear()
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    with transaction.atomic():
        send = getattr(client, (method or row.method).lower())
        answer = Answer.of(send(row.path(scene), row.data(scene), headers=headers))
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(cookies)
    return answer


def clients_of(scene: Crossing) -> dict[str, Client]:
    """A browser for each kind of person, signed in but for the anonymous."""
    clients = {person: Client() for person in PEOPLE}
    for person, user in scene.people.items():
        if user is not None:
            clients[person].force_login(user)
    return clients
