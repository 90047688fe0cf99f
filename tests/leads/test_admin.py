"""L1, L2: the company's own lists in the admin."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from leads.models import CustomField, SlotRole, Source, Stage
from leads.services.lists import open_stage_kept
from tests.factories.leads import assign, make_lead, make_stage
from tests.factories.scenes import Brokerage, brokerage
from tests.permissions.admin.walk import address, signed_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def client(harbor: Brokerage) -> Client:
    return signed_in(harbor.broker)


def test_l2_a_stage_is_renamed_and_moved(client: Client, harbor: Brokerage) -> None:
    stage = harbor.company.stages.get(name="Contacted")
    client.post(address(Stage, "change", stage.pk), {"name": "<i>Reached", "kind": "won", "position": 7})
    stage.refresh_from_db()
    assert (stage.name, stage.kind, stage.position) == ("<i>Reached", "won", 7)
    assert "<i>" not in text(client.get(address(Stage, "changelist")))


def test_l2_an_unused_stage_is_deleted(client: Client, harbor: Brokerage) -> None:
    stage = make_stage(harbor.company, "Unused")
    assert "cannot be undone" in text(client.get(address(Stage, "delete", stage.pk)))
    assert Stage.objects.filter(pk=stage.pk).exists()
    assert client.post(address(Stage, "delete", stage.pk), {"post": "yes"}).status_code == 302
    assert not Stage.objects.filter(pk=stage.pk).exists()


def test_l2_a_stage_in_use_stays_and_shows_no_lead(client: Client, harbor: Brokerage) -> None:
    stage = make_stage(harbor.company, "Used")
    make_lead(harbor.ana, first_name="Hidden", last_name="Person", hidden=True, stage=stage)
    for page in (
        client.get(address(Stage, "delete", stage.pk)),
        client.post(address(Stage, "delete", stage.pk), {"post": "yes"}),
    ):
        assert "There are leads in Used" in text(page)
        assert "Hidden" not in text(page)
    assert Stage.objects.filter(pk=stage.pk).exists()


def test_l2_one_open_stage_remains(client: Client, harbor: Brokerage) -> None:
    harbor.company.stages.exclude(name="New").filter(kind="open").delete()
    stage = harbor.company.stages.get(kind="open")
    page = client.post(address(Stage, "change", stage.pk), {"name": "Kept", "kind": "lost", "position": 0})
    assert page.status_code == 422
    assert "One stage must stay open" in text(page)
    assert 'value="Kept"' in text(page)
    assert "One stage must stay open" in text(client.post(address(Stage, "delete", stage.pk), {"post": "yes"}))
    with pytest.raises(ValidationError, match="must stay open"), open_stage_kept(harbor.company.pk):
        stage.delete()
    stage = Stage.objects.get(company=harbor.company, kind="open")
    assert stage.name == "New"


@pytest.mark.parametrize(
    "bad",
    [{"name": ""}, {"kind": "other"}, {"position": -1}, {"position": 99999}, {"name": "a\nb"}, {"name": "x" * 61}],
)
def test_l2_bad_input_is_refused(client: Client, harbor: Brokerage, bad: dict[str, object]) -> None:
    before = harbor.company.stages.count()
    page = client.post(address(Stage, "add"), {"name": "Fine", "kind": "open", "position": 1} | bad)
    assert page.status_code == 422
    assert harbor.company.stages.count() == before


def test_l1_sources_and_fields_are_renamed_and_not_added(client: Client, harbor: Brokerage) -> None:
    source = Source.objects.create(company=harbor.company, name="Zilow")
    field = CustomField.objects.create(company=harbor.company, key="policy", label="Polcy")
    client.post(address(Source, "change", source.pk), {"name": "Zillow"})
    client.post(address(CustomField, "change", field.pk), {"label": "Policy", "kind": "number", "key": "other"})
    source.refresh_from_db()
    field.refresh_from_db()
    assert (source.name, field.label, field.kind, field.key) == ("Zillow", "Policy", "number", "policy")
    for model in (Source, CustomField):
        added = client.post(f"{address(model, 'changelist')}add/", {"name": "New", "label": "New", "kind": "text"})
        assert added.status_code == 404
    Source.objects.create(company=harbor.company, name="Open house")
    page = text(client.post(address(Source, "change", source.pk), {"name": "OPEN HOUSE"}))
    assert "taken" in page


def test_v5_a_source_that_only_a_concealed_lead_has_is_not_listed(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, hidden=True, source="Secretsource")
    make_lead(harbor.lakeside, source="Zillow")
    Source.objects.create(company=harbor.company, name="Nobody’s yet")
    page = text(client.get(address(Source, "changelist")))
    assert "Zillow" in page
    assert "Nobody’s yet" in page
    assert "Secretsource" not in page
    secret = Source.objects.get(name="Secretsource")
    assert client.get(address(Source, "change", secret.pk)).status_code == 404


def test_l1_up_to_ten_roles_of_the_companys_own(client: Client, harbor: Brokerage) -> None:
    there = "/admin/leads/slotrole/add/"
    for number in range(9):
        client.post(there, {"name": f"Role {number}"})
    client.post(there, {"name": "Closing desk"})
    assert SlotRole.objects.get(name="Closing desk").code == "closing-desk"
    assert "the most there can be" in client.post(there, {"name": "One more"}).content.decode()
    role, other = SlotRole.objects.get(code="closing-desk"), SlotRole.objects.get(code="role-1")
    assign(make_lead(harbor.lakeside), harbor.ben, role.code)
    for one in (role, other):
        client.post(f"/admin/leads/slotrole/{one.pk}/delete/", {"post": "yes"})
    assert set(SlotRole.objects.filter(pk__in=[role.pk, other.pk])) == {role}
    assert "Every company has" in client.post(there, {"name": "lender"}).content.decode()
