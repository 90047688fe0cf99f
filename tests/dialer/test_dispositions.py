"""Dispositions (D10): a starting set, what they may say together, keys, and the admin page."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client

from dialer.models import Disposition
from dialer.receivers import DISPOSITIONS
from tests.factories.campaigns import make_campaign
from tests.factories.people import make_company
from tests.factories.scenes import Brokerage, brokerage, stranger


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def flags(one: Disposition) -> dict[str, Any]:
    names = ("outcome", "contact_made", "sale", "do_not_call", "not_interested", "callback", "final", "recycle_after")
    return {name: getattr(one, name) for name in names if getattr(one, name)}


def test_d10_a_company_starts_with_dispositions_on_all_keys(harbor: Brokerage) -> None:
    found = list(Disposition.objects.in_use(harbor.company.pk))
    assert [one.position for one in found] == list(range(1, 10))
    assert [(one.name, flags(one)) for one in found] == list(DISPOSITIONS)


def test_d10_companies_from_before_get_the_same(harbor: Brokerage) -> None:
    from importlib import import_module

    Disposition.objects.all().delete()
    import_module("dialer.migrations.0001_campaigns").start_with_dispositions(apps, None)
    import_module("dialer.migrations.0005_dispositions_outcome").say_outcomes(apps, None)
    found = Disposition.objects.in_use(harbor.company.pk)
    assert [(one.name, flags(one)) for one in found] == list(DISPOSITIONS)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({}, "disposition_what_follows"),
        ({"final": True, "callback": True}, "disposition_what_follows"),
        ({"final": True, "recycle_after": 5}, "disposition_what_follows"),
        ({"recycle_after": 0}, "disposition_what_follows"),
        ({"recycle_after": 525_601}, "disposition_what_follows"),
        ({"do_not_call": True, "callback": True}, "disposition_do_not_call_is_final"),
        ({"final": True, "position": 10}, "disposition_key"),
        ({"final": True, "position": 0}, "disposition_key"),
        ({"final": True, "position": 3}, "disposition_key_unique"),
        ({"final": True, "name": "SALE"}, "disposition_name_unique"),
    ],
)
def test_d10_what_cannot_be_is_a_constraint(harbor: Brokerage, values: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Disposition.objects.create(**{"company": harbor.company, "name": "Other"} | values)


def test_d10_the_key_of_an_archived_one_is_free(harbor: Brokerage) -> None:
    Disposition.objects.filter(company=harbor.company, position=3).update(archived=True)
    fresh = Disposition.objects.create(company=harbor.company, name="Fresh", position=3, final=True)
    assert fresh in Disposition.objects.in_use(harbor.company.pk)
    assert make_company().pk != harbor.company.pk  # whose keys are its own


BASE = "/admin/dialer/disposition/"


def test_d10_company_admins_change_them(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    assert "No answer" in client.get(BASE).content.decode()
    made = client.post(f"{BASE}add/", {"name": "Fax", "recycle_after": "60"})
    assert made.status_code == 302
    fax = Disposition.objects.get(name="Fax")
    assert (fax.company, fax.position) == (harbor.company, None)
    sent = {"name": "Fax machine", "recycle_after": "30", "archived": "on"}
    assert client.post(f"{BASE}{fax.pk}/change/", sent).status_code == 302
    fax.refresh_from_db()
    assert (fax.name, fax.archived) == ("Fax machine", True)
    assert client.get(f"{BASE}{fax.pk}/delete/").status_code == 404  # archived rather than deleted


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": "Other", "final": "on", "position": "3"}, "Another disposition has this key"),
        ({"name": "Other", "final": "on", "position": "12"}, "A key is a number from 1 to 9"),
        ({"name": "Other"}, "Say one of three"),
        ({"name": "Other", "do_not_call": "on", "recycle_after": "5"}, "Who is not to be called"),
        ({"name": "sale", "final": "on"}, "This name is taken already"),
        ({"name": "two\nlines", "final": "on"}, "one line"),
    ],
)
def test_d10_the_page_says_what_is_wrong(client: Client, harbor: Brokerage, sent: dict[str, str], said: str) -> None:
    client.force_login(harbor.broker)
    response = client.post(f"{BASE}add/", sent)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Disposition.objects.filter(company=harbor.company).count() == 9


def test_d10_they_are_nobody_elses(client: Client, harbor: Brokerage) -> None:
    one = Disposition.objects.in_use(harbor.company.pk)[0]
    for user, status in ((harbor.north_admin, 403), (harbor.ana, 403), (stranger(), 404)):
        client.force_login(user)
        assert client.get(f"{BASE}{one.pk}/change/").status_code == status


def test_d10_an_archived_one_stays_where_it_is_used(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    Disposition.objects.filter(company=harbor.company, name="Busy").update(archived=True)
    assert campaign.dispositions.filter(disposition__name="Busy").exists()
    assert not make_campaign(harbor.lakeside).dispositions.filter(disposition__name="Busy").exists()
