"""The surfaces of the API: a program sees what its person sees (V1, I3)."""

from __future__ import annotations

from django.http import HttpResponse
from django.test import Client

from permissions.tokens.services import Scope, issue
from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, read, seen, surface, that_one


def asked(visit: Visit, path: str) -> HttpResponse:
    """The answer to a program of hers."""
    _, key = issue(user=visit.built.users[visit.person], name="Test", scopes=[Scope.LEADS_READ], lasts=None)
    answer: HttpResponse = Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})
    return answer


@surface("api:leads", expects=seen)
def leads_by_the_api(visit: Visit) -> Told:
    return told(asked(visit, "leads" + visit.one_of("", "?sort=score", "?score_max=100")).content.decode())


@surface("api:leads", expects=lambda visit: len(seen(visit)))
def leads_counted_by_the_api(visit: Visit) -> int:
    return int(asked(visit, "leads").json()["count"])  # type: ignore[attr-defined]


@surface("api:leads", expects=read)
def leads_by_the_api_in_another_order(visit: Visit) -> Told:
    return told(asked(visit, "leads?sort=-created").content.decode())


@surface("api:leads", expects=that_one("view"))
def leads_searched_by_the_api(visit: Visit) -> Told:
    text = visit.one_of(f"ecret{visit.number}x", marks.phone(visit.number))
    return told(asked(visit, f"leads?q={text}").content.decode(), text)


@surface("api:lead", "api:lead-activities", expects=that_one("view"))
def lead_by_the_api(visit: Visit) -> Told:
    own = marks.public_id(visit.number)
    asked(visit, f"leads/{own}/activities")
    found = asked(visit, f"leads/{own}")
    return told(found.content.decode(), *([] if found.status_code == 200 else [own]))
