"""Fields that a file brings are made by who keeps the company's lists, and by nobody else (I1, L1)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from leads.imports.services import start_run
from leads.models import Activity, CustomField, ImportRun, Lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.imports.files import bring, csv_of, keeps_lists, upload
from tests.leads.imports.test_pages import choices

pytestmark = pytest.mark.django_db
CONTENT = csv_of("Ana,7,red", header="Name,Seat,Car")


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def test_l1_an_agents_file_makes_no_fields(client: Client, harbor: Brokerage) -> None:
    CustomField.objects.create(company=harbor.company, key="car", label="Car")
    CustomField.objects.create(company=stranger().company, key="seat", label="Seat")
    for person in (harbor.ana, harbor.lead, harbor.north_admin):
        run = upload(person, CONTENT)
        assert run.mapping == ["name", "note", "custom:car"]
        client.force_login(person)
        page = client.get(f"/import/{run.public_id}/").content.decode()
        assert page.count("Your company has no field for it, so it goes into the note.") == 1
        assert "Keep as a custom field" not in page
    run = bring(harbor.ana, harbor.ana, CONTENT)
    assert Lead.objects.get().custom == {"car": "red"}
    assert CustomField.objects.filter(company=harbor.company).count() == 1
    assert Activity.objects.get(kind="note").body.startswith("Seat: 7")


@pytest.mark.parametrize("chosen", ["custom:", "number:", "choice:", "custom:seat"])
@pytest.mark.parametrize("act", ["", "try"])
def test_l1_nor_by_a_form_made_by_hand(client: Client, harbor: Brokerage, chosen: str, act: str) -> None:
    run = upload(harbor.ana, CONTENT)
    client.force_login(harbor.ana)
    answer = client.post(f"/import/{run.public_id}/", choices(f"name,{chosen},", act=act))
    assert answer.status_code == 422
    assert not CustomField.objects.exists()
    assert ImportRun.objects.get().state == ImportRun.State.DRAFT


def test_l1_the_service_itself_refuses_and_says_which(harbor: Brokerage) -> None:
    run = upload(harbor.ana, CONTENT)
    mapping = ["name", "custom:seat", "custom:car"]
    with pytest.raises(PermissionDenied, match="no field for “Seat”, “Car”"):
        start_run(actor=harbor.ana, run=run, mapping=mapping, owner=harbor.ana)
    assert not CustomField.objects.exists()


def test_l1_who_keeps_the_lists_makes_them_for_all(harbor: Brokerage) -> None:
    for person in (harbor.broker, keeps_lists(harbor.dee)):
        assert upload(person, CONTENT).mapping == ["name", "custom:seat", "custom:car"]
    bring(harbor.broker, harbor.broker, CONTENT)
    assert upload(harbor.ana, CONTENT).mapping == ["name", "custom:seat", "custom:car"]
