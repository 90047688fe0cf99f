"""L1: a state is kept and found by its code, however people write it."""

from __future__ import annotations

import pytest
from django.test import Client

from leads.models import Lead
from leads.states import kept_as, spelled
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Arizona", "AZ"),
        ("new  jersey", "NJ"),
        ("az", "AZ"),
        ("Narnia", "Narnia"),
        ("on", "ON"),
        ("", ""),
        ("'); DROP", "'); DROP"),
    ],
)
def test_l1_a_state_is_kept_by_its_code(text: str, kept: str) -> None:
    assert kept_as(text) == kept


def test_l1_it_is_searched_for_by_code_and_name() -> None:
    assert spelled("arizona") == {"arizona", "AZ", "Arizona"}
    assert spelled("Narnia") == {"Narnia", "NARNIA"}


def test_l1_l6_whoever_types_the_name_is_found_by_the_code(client: Client, harbor: Brokerage) -> None:
    lead, older = make_lead(harbor.ana, first_name="Maya"), make_lead(harbor.ana, first_name="Olga", state="Arizona")
    client.force_login(harbor.ana)
    page = f"/people/{lead.public_id}/edit/"
    assert client.post(page, {"first_name": "Maya", "state": "Arizona"}).status_code == 302
    lead.refresh_from_db()
    assert lead.state == "AZ"
    for asked in ("AZ", "arizona"):
        listed = client.get("/people/", {"state": asked}).content.decode()
        assert all(one.public_id in listed for one in (lead, older))
    assert Lead.objects.filter(state="Arizona").get() == older
