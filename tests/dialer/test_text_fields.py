"""L4, L7: merge fields that are typed into a text by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dialer.models import CallAttempt
from leads.models import Activity, Consent, Lead
from tests.dialer.hoppers import ALL_DAY, set_hours
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    set_hours(harbor.company, ALL_DAY)
    lead = make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", phones=["+16025550123"])
    Consent.objects.create(company=lead.company, lead=lead, kind="text", given=True)
    return lead


def text(client: Client, harbor: Brokerage, lead: Lead, body: str) -> Any:
    client.force_login(harbor.ana)
    return client.post(f"/dialer/lead/{lead.public_id}/text/", {"number": "+16025550123", "body": body})


def test_l7_they_are_filled_in(client: Client, harbor: Brokerage, maya: Lead) -> None:
    html = text(client, harbor, maya, "Hi {first_name}, {agent} here").content.decode()
    assert f"Hi Maya, {harbor.ana.name} here" in html
    assert "{first_name}" not in html


@pytest.mark.parametrize(
    ("body", "words"),
    [("Hi {firstname}", "There is no {firstname}."), ("Hi }", "A brace stands alone."), ("{city|x}" * 120, "")],
)
def test_l7_what_cannot_be_filled_in_is_refused(
    client: Client, harbor: Brokerage, maya: Lead, body: str, words: str
) -> None:
    Lead.objects.filter(pk=maya.pk).update(city="Llanfairpwllgwyngyll")
    refused = text(client, harbor, maya, body)
    assert refused.status_code == 422
    assert (
        words or "With its fields filled in it has 2,400 characters. Shorten it to 1,000."
    ) in refused.content.decode()
    assert body in refused.content.decode()
    assert not CallAttempt.objects.filter(refused_by="").exists()
    assert not Activity.objects.filter(lead=maya, kind="text").exists()
