"""I6: duplicates are found only within what the asker may see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.organization.models import Company
from leads.merging import finding
from leads.models import Lead
from permissions.keyring import load_keyring
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
MAIL, PHONE = ["maya@mail.example"], ["555 201 0001"]


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def page(client: Client, user: object, **query: str) -> str:
    client.force_login(user)  # type: ignore[arg-type]
    answer = client.get(reverse("duplicates"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_i6_only_leads_she_may_read_are_duplicates(harbor: Brokerage, client: Client) -> None:
    mine = make_lead(harbor.ana, first_name="Mine", emails=MAIL)
    make_lead(harbor.ben, first_name="Bens", emails=MAIL)
    assert "maya@mail.example" not in page(client, harbor.ana)
    assert "No duplicates here" in page(client, harbor.ana)
    make_lead(harbor.ana, first_name="Other", emails=MAIL)
    said = page(client, harbor.ana)
    assert ("Mine" in said, "Other" in said, "Bens" in said, "2 leads" in said) == (True, True, False, True)
    assert "Bens" in page(client, harbor.lead)
    Lead.objects.filter(first_name="Bens").update(hidden=True)
    assert "Bens" not in page(client, harbor.lead)
    assert "No duplicates here" in page(client, stranger())
    client.force_login(harbor.ana)
    alike = client.get(reverse("lead-alike", args=[mine.public_id])).content.decode()
    assert ("Other" in alike, "Bens" in alike) == (True, False)


def test_i6_a_phone_needs_the_same_name(harbor: Brokerage, client: Client) -> None:
    for first in ("Maya", "maya", "Tom"):
        make_lead(harbor.lakeside, first_name=first, last_name="Stone", phones=PHONE)
    said = page(client, harbor.lead, by="phone_name")
    assert ("2 leads" in said, "Tom" in said) == (True, False)
    assert client.get(reverse("duplicates"), {"by": "name"}).status_code == 404


def test_i6_a_key_that_is_switched_off_leads_to_those_there_are(harbor: Brokerage, client: Client) -> None:
    Company.objects.update(duplicate_keys=["phone"])
    for _ in range(2):
        make_lead(harbor.lakeside, phones=PHONE, emails=["twin@mail.example"])
    said = page(client, harbor.lead, by="email")
    assert 'href="?by=phone" aria-current="true"' in said
    assert "2 leads" in said
    assert 'href="?by=email"' not in said


def test_i6_groups_are_paged_and_queries_do_not_grow(
    harbor: Brokerage, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "GROUPS", 2)
    counts = []
    for number in range(5):
        for _ in range(2):
            make_lead(harbor.lakeside, emails=[f"twin{number}@mail.example"])
        page(client, harbor.lead)
        with CaptureQueriesContext(connection) as captured:
            said = page(client, harbor.lead)
        counts.append(len(captured))
    assert counts[1] == counts[-1]
    assert ("twin1@" in said, "twin2@" in said) == (True, False)
    cursor = finding.groups_in_sight(load_keyring(harbor.lead), "email").next_cursor
    assert "twin2@" in page(client, harbor.lead, cursor=cursor)
    assert "twin0@" in page(client, harbor.lead, cursor="nonsense")


def test_i6_leads_are_compared_with_the_first_that_she_may_merge(harbor: Brokerage, client: Client) -> None:
    teams = make_lead(harbor.lakeside, first_name="Team", last_name="", agent=harbor.ana, emails=MAIL)
    second, third = (make_lead(harbor.ana, first_name=name, last_name="", emails=MAIL) for name in ("Second", "Third"))
    another = make_lead(harbor.lakeside, first_name="Another", last_name="", agent=harbor.ana, emails=MAIL)
    said = page(client, harbor.ana)
    assert [said.count(f">{name}</a>") for name in ("Team", "Second", "Third", "Another")] == [1, 1, 1, 1]
    assert compared(said) == [(second, third)]
    assert "Third with Second</span>" in said
    assert client.get(reverse("lead-merge", args=[second.public_id, third.public_id])).status_code == 200
    said = page(client, harbor.lead)  # who may merge the team's, and neither of Ana's
    assert compared(said) == [(teams, another)]
    assert "Another with the first</span>" in said
    Lead.objects.filter(pk__in=[third.pk, another.pk]).update(removed_at="2026-01-01T00:00Z")
    assert [compared(page(client, user)) for user in (harbor.ana, harbor.lead)] == [[], []]


def compared(said: str) -> list[tuple[Lead, Lead]]:
    """The pairs that the page offers to compare."""
    pairs = [(one, two) for one in Lead.objects.order_by("pk") for two in Lead.objects.order_by("pk")]
    return [pair for pair in pairs if reverse("lead-merge", args=[lead.public_id for lead in pair]) in said]
