"""The rail's entry Access leads where it says, or is not there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from permissions.context import access_page
from tests.factories.people import fresh, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage
from tests.permissions.scenes import own

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def test_p1_access_is_in_the_rail_for_whom_it_is_open_to(client: Client, harbor: Brokerage) -> None:
    own(harbor, "Grids", "manage_profiles")
    own(harbor, "People", "manage_users")
    people = [
        (harbor.broker, ""),  # the admin's tabs lead there
        (make_member(harbor.lakeside, profile="company_admin"), "/profiles/people/"),  # the verbs without the reach
        (make_manager(harbor.north, profile="people"), "/profiles/people/"),
        (make_manager(harbor.north, profile="grids"), ""),
        (harbor.ana, ""),
    ]
    for user, path in people:
        client.force_login(user)
        page = client.get("/people/").content.decode()
        assert ('title="Access"' in page) == bool(path)
        if path:
            assert f'href="{path}"' in page
            assert client.get(path).status_code == 200


def test_p1_it_costs_agents_no_query(harbor: Brokerage) -> None:
    request = RequestFactory().get("/")
    request.user = fresh(harbor.ana)
    with CaptureQueriesContext(connection) as found:
        assert access_page(request) == ""
    assert len(found) == 0
