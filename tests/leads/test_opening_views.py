"""L6: a saved view asked for by its id alone is shown with all it has."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.test_saved_views import HOT, get, make

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def test_l6_a_view_opened_by_its_id_shows_its_filters(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    client.force_login(harbor.ana)
    answer = client.get(f"/people/?view={view.pk}")
    assert (answer.status_code, answer["Location"]) == (302, f"/people/?{HOT}&view={view.pk}")
    everybody = make(harbor.ana, "Everybody", "")
    assert "<title>Everybody" in get(client, harbor.ana, f"/people/?view={everybody.pk}")


def test_l6_the_last_filter_of_a_view_can_be_taken_off(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Cold", score=10)
    view = make(harbor.ana, query="score_min=80")
    html = get(client, harbor.ana, f"/people/?score_min=80&view={view.pk}")
    assert f'href="?view={view.pk}"' not in html
    assert "Cold" not in html
    answer = client.get(f"/people/?view={view.pk}&score_min=&q=")  # the form of filters, emptied
    assert answer["Location"] == "/people/?"
    html = get(client, harbor.ana, "/people/")
    assert "<title>People" in html
    assert "Cold" in html


def test_l6_a_view_that_is_not_there_leads_nowhere_else(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    for given in (view.pk, 10**12, "x", "%00", "1&view=2"):
        assert "<title>People" in get(client, harbor.ben, f"/people/?view={given}")
