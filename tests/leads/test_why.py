"""The page "Why can (can't) somebody see this lead?" (V6): who may ask, about whom, and what it says."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import User
from leads.models import Lead
from tests.factories.leads import make_lead
from tests.factories.people import leave_company
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def ask(client: Client, user: User, lead: Lead, person: User | str = "") -> tuple[int, str]:
    client.force_login(user)
    wanted = str(person.pk) if isinstance(person, User) else person
    response = client.get(f"/people/{lead.public_id}/why/", {"person": wanted} if wanted else {})
    return response.status_code, response.content.decode()


def test_v6_a_manager_learns_why_somebody_can_and_what_would_change_it(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    status, html = ask(client, harbor.lead, lead, harbor.ana)
    assert status == 200
    assert 'data-level="work">Work<' in html
    assert "Ana is assigned to it." in html
    assert "Ana does not manage Lakeside." in html
    _, html = ask(client, harbor.lead, lead, harbor.ben)
    assert "No access" in html
    assert "Assign it to Ben. The level would be work." in html
    assert "Let the profile of Ben view unit leads. The level would be view." in html


def test_p3_says_what_she_may_do_and_why_not(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    _, html = ask(client, harbor.lead, lead, harbor.ana)
    assert "What Ana may do" in html
    assert "It belongs to a unit: only the managers of that unit may transfer it." in html
    assert "What Ben may do" not in ask(client, harbor.lead, lead, harbor.ben)[1]


def test_v6_without_a_person_it_is_about_the_asker(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    for user, level in ((harbor.lead, "manage"), (harbor.ana, "work")):
        status, html = ask(client, user, lead)
        assert status == 200
        assert f'data-level="{level}"' in html


def test_v6_the_page_is_reached_from_the_lead(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    client.force_login(harbor.lead)
    assert f"/people/{lead.public_id}/why/" in client.get(f"/people/{lead.public_id}/").content.decode()


def test_v6_an_agent_asks_about_herself_only(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assert ask(client, harbor.ana, lead, harbor.ana)[0] == 200
    assert "<select" not in ask(client, harbor.ana, lead)[1]
    assert ask(client, harbor.ana, lead, harbor.ben)[0] == 403
    assert ask(client, harbor.ana, lead, "99999999")[0] == 403


def test_v6_a_lead_one_cannot_read_does_not_exist(client: Client, harbor: Brokerage) -> None:
    lead, hidden = make_lead(harbor.lakeside), make_lead(harbor.ana, hidden=True)
    for user in (harbor.eve, stranger()):
        assert ask(client, user, lead)[0] == 404
        assert ask(client, user, lead, harbor.ana)[0] == 404
    assert ask(client, harbor.lead, hidden)[0] == 404
    assert ask(client, harbor.broker, hidden, harbor.ana)[0] == 404
    assert ask(client, harbor.ana, hidden)[0] == 200


def test_v6_only_people_one_can_see_or_manages(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    gone = leave_company(harbor.ben)
    status, html = ask(client, harbor.lead, lead, gone)
    assert status == 200
    assert "Ben is deactivated" in html
    for person in (harbor.eve, stranger(), "0", "x", "²", "9" * 30):
        assert ask(client, harbor.lead, lead, person)[0] == 404
    assert ask(client, harbor.broker, lead, harbor.eve)[0] == 200


def test_v6_at_most_fifteen_queries(client: Client, harbor: Brokerage) -> None:
    User.objects.filter(pk__in=[harbor.ana.pk, harbor.eve.pk]).update(hide_from_team=True)
    for lead in (
        make_lead(harbor.lakeside),
        make_lead(harbor.ana, agent=harbor.lead),
        make_lead(harbor.eve, agent=harbor.lead),
    ):
        for asker, person in ((harbor.lead, harbor.ben), (harbor.lead, harbor.north_admin), (harbor.lead, harbor.lead)):
            ask(client, asker, lead, person)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"/people/{lead.public_id}/why/?person={person.pk}").status_code == 200
            assert len(queries) <= 15, [query["sql"][:90] for query in queries]
