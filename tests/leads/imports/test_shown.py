"""The people of an import: a filter of the list, for whoever imported them (I1, M5)."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.organization.models import User
from leads.imports.running import carry_on
from leads.models import ImportRun, Lead
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.imports.files import bring, csv_of, start
from tests.leads.imports.test_beside import take_back
from tests.leads.test_filters import chosen, found

pytestmark = pytest.mark.django_db
HEADER = "Name,E-mail"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def lists(user: User, *names: str, **given: object) -> ImportRun:
    lines = (f"{name},{name}@mail.example" for name in names)
    return bring(user, user, csv_of(*lines, header=HEADER), **given)


def button(client: Client, run: ImportRun) -> bool:
    html = client.get(f"/import/{run.public_id}/").content.decode()
    assert ("Show these people" in html) == (f"/people/?imported={run.pk}" in html)
    return "Show these people" in html


def test_i1_an_import_is_a_filter_beside_others(harbor: Brokerage) -> None:
    one, two = lists(harbor.ana, "Ana", "Ben"), lists(harbor.ana, "Cal")
    make_lead(harbor.ana, first_name="Dee", source="Import")
    assert found(harbor.ana, f"imported={one.pk}") == {"Ana", "Ben"}
    assert found(harbor.ana, f"imported={one.pk}&imported={two.pk}") == {"Ana", "Ben", "Cal"}
    assert found(harbor.ana, f"imported={one.pk}&q=Ben") == {"Ben"}
    (chip,) = chosen(harbor.ana, f"imported={one.pk}&sort=-score").chips()
    assert (chip.name, chip.value, chip.without) == ("Import", "people.csv", "sort=-score")


def test_i1_what_it_updated_is_of_the_import_too(harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Anna", emails=["ana@mail.example"])
    run = lists(harbor.ana, "Ana", "Ben", duplicates="update")
    assert found(harbor.ana, f"imported={run.pk}") == {"Ana", "Ben"}


def test_v3_an_import_is_a_choice_for_its_maker_alone(harbor: Brokerage) -> None:
    run = lists(harbor.ana, "Ana")
    other = stranger()
    for user in (harbor.ben, harbor.lead, harbor.broker, other):
        filtered = chosen(user, f"imported={run.pk}")
        assert not filtered.is_valid()
        assert not filtered.qs.exists()
        assert [chip.value for chip in filtered.chips()] == [str(run.pk)]
    trial = start(harbor.ana, harbor.ana, csv_of("Zoe,zoe@mail.example", header=HEADER), trial=True)
    carry_on(trial.pk)
    for bad in (str(trial.pk), "0", "x", "%00", "9" * 30):
        assert not chosen(harbor.ana, f"imported={bad}").is_valid()


def test_p4_leads_that_are_not_hers_any_more_are_not_shown(client: Client, harbor: Brokerage) -> None:
    run = lists(harbor.ana, "Ana", "Ben")
    Lead.objects.filter(first_name="Ben").update(owner_user=harbor.eve)
    assert found(harbor.ana, f"imported={run.pk}") == {"Ana"}
    client.force_login(harbor.ana)
    assert button(client, run)
    Lead.objects.update(owner_user=harbor.eve)
    assert not button(client, run)


def test_i1_what_was_taken_back_is_not_shown(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Anna", emails=["ana@mail.example"])
    run = lists(harbor.ana, "Ana", "Ben", duplicates="update")
    client.force_login(harbor.ana)
    assert button(client, run)
    take_back(run)
    assert found(harbor.ana, f"imported={run.pk}") == set()
    assert not button(client, run)


def test_i1_the_form_of_filters_carries_it_on(client: Client, harbor: Brokerage) -> None:
    run = lists(harbor.ana, "Ana")
    client.force_login(harbor.ana)
    html = client.get(f"/people/filters/?imported={run.pk}").content.decode()
    assert f'<input type="hidden" name="imported" value="{run.pk}">' in html
    page = client.get(f"/people/?imported={run.pk}").content.decode()
    assert "people.csv" in page
