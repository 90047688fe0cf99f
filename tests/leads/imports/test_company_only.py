"""Imports where the company owns all leads: who brings them works them (O5)."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.organization.models import Company
from leads.models import Lead
from permissions.models import LedgerEntry
from routing.models import Offer
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, upload
from tests.routing.scenes import on_roster

pytestmark = pytest.mark.django_db
ONE = csv_of("Maya,maya@mail.example", header="Name,E-mail")


@pytest.fixture
def harbor() -> Brokerage:
    harbor = brokerage()
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="company_only")
    return harbor


def test_o5_who_imports_becomes_the_agent(harbor: Brokerage, client: Client) -> None:
    ana = fresh(harbor.ana)
    client.force_login(ana)
    page = client.get(f"/import/{upload(ana, ONE).public_id}/").content.decode()
    assert "Otherwise you work them." in page
    run = bring(ana, harbor.whole, ONE)
    assert counts(run) == (1, 0, 0)
    lead = Lead.objects.get()
    assert (lead.owner, lead.agent) == (harbor.whole, harbor.ana)
    assert LedgerEntry.objects.get(kind="assigned").to_user_id == harbor.ana.pk
    assert client.get(f"/people/{lead.public_id}/").status_code == 200
    shown = client.get(f"/import/{run.public_id}/").content.decode()
    assert "Show these people" in shown


def test_o5_unless_the_rotation_takes_them(harbor: Brokerage) -> None:
    on_roster(harbor.whole, harbor.ben)
    bring(fresh(harbor.ana), harbor.whole, ONE, route=True)
    assert Offer.objects.get().user == harbor.ben


def test_o5_unless_the_file_names_somebody(harbor: Brokerage) -> None:
    content = csv_of("Maya,maya@mail.example,ben@harbor.example", header="Name,E-mail,Assigned to")
    harbor.ben.email = "ben@harbor.example"
    harbor.ben.save(update_fields=["email"])
    bring(fresh(harbor.broker), harbor.whole, content)
    assert Lead.objects.get().agent == harbor.ben
