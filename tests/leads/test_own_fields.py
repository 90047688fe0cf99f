"""A company's own fields on the form of a lead (L1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import CustomField, Lead
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    scene = brokerage()
    for key, kind, choices in (
        ("pet", "text", []),
        ("seats", "number", []),
        ("since", "date", []),
        ("mood", "choice", ["Calm"]),
    ):
        CustomField.objects.create(company=scene.company, key=key, label=key.title(), kind=kind, choices=choices)
    return scene


def edit(client: Client, harbor: Brokerage, lead: Lead, **own: str) -> Any:
    client.force_login(harbor.ana)
    given = {f"custom-{key}": value for key, value in own.items()}
    return client.post(reverse("lead-edit", args=[lead.public_id]), {"first_name": "Maya", **given})


def test_l1_own_fields_are_kept_by_their_kinds(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    lead.custom = {"pet": "cat", "gone": "kept"}
    lead.save()
    client.force_login(harbor.ana)
    html = client.get(reverse("lead-edit", args=[lead.public_id])).content.decode()
    assert 'value="cat"' in html
    assert 'type="date"' in html
    assert edit(client, harbor, lead, pet=" ", seats="1,200", since="2024-03-01", mood="calm").status_code == 302
    lead.refresh_from_db()
    assert lead.custom == {"gone": "kept", "seats": "1200", "since": "2024-03-01", "mood": "Calm"}
    page = client.get(reverse("lead", args=[lead.public_id])).content.decode()
    assert "Seats" in page
    assert "1200" in page


def test_l1_what_cannot_be_such_a_value_is_refused_where_it_stands(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    response = edit(client, harbor, lead, seats="many", since="soon", mood="Wild")
    html = response.content.decode()
    assert response.status_code == 422
    assert "“many” is not a number." in html
    assert "“soon” is not a day such as 2026-03-01." in html
    assert "“Wild” is none of Calm." in html
    lead.refresh_from_db()
    assert lead.custom == {}


def test_l1_a_value_that_fits_its_kind_no_more_stays_until_it_is_changed(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    lead.custom = {"mood": "Wild", "seats": "many"}
    lead.save()
    assert edit(client, harbor, lead, mood="Wild", seats="many").status_code == 302
    lead.refresh_from_db()
    assert lead.custom == {"mood": "Wild", "seats": "many"}


def test_l1_own_fields_are_given_when_a_lead_is_added(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    client.post("/people/add/", {"first_name": "Maya", "owner": "me", "custom-pet": "cat", "custom-seats": "3"})
    assert Lead.objects.get().custom == {"pet": "cat", "seats": "3"}


def test_l1_the_fields_of_another_company_are_not_asked_for(client: Client, harbor: Brokerage) -> None:
    other = brokerage()
    CustomField.objects.create(company=other.company, key="secret", label="Secret plans")
    client.force_login(harbor.ana)
    assert "Secret plans" not in client.get("/people/add/").content.decode()
