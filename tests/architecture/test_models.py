"""Every model belongs to one company and says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import Model

from crm.organization.models import Company
from leads.models import Lead
from tests.architecture.tree import ROOMS, assert_only

OURS = [model for model in apps.get_models() if model._meta.app_label in ROOMS and model is not Company]
# those without a column of their own, and the way to their company
PATHS = {
    "ProfileHolder": "user__company",
    "ApiAnswer": "user__company",
    "Delivery": "notification__company",
    "ImportRow": "run__company",
    "ImportPart": "run__company",
    "ImportChange": "run__company",
    "ImportedKey": "run__company",
    "Dialing": "lead__company",
    "BatchChunk": "batch__company",
    "DoNotCallReject": "file__company",
    "WebhookDelivery": "webhook__company",
}
REFERENCE = {"ZoneSet", "AreaZone", "PostalZone", "ZoneSource"}  # of the libraries, the same for everybody
CHILDREN = {
    **dict.fromkeys(("ContactPoint", "LeadSearch", "Assignment", "Activity", "Consent"), "leads"),
    "HopperEntry": "dialer",
}


def company_of(model: type[Model]) -> Any:
    return model._meta.get_field("company")


def has_company(model: type[Model]) -> bool:
    return any(field.name == "company" for field in model._meta.concrete_fields)


def test_every_model_has_its_company() -> None:
    assert_only({model.__name__ for model in OURS if not has_company(model)}, {*PATHS, *REFERENCE})


@pytest.mark.parametrize("model", [model for model in OURS if has_company(model)], ids=lambda model: model.__name__)
def test_no_row_is_without_a_company(model: type[Model]) -> None:
    field = company_of(model)
    assert field.related_model is Company
    assert not field.null


def test_a_company_without_a_constraint_is_that_of_a_lead_or_of_the_ledger() -> None:
    """Imports and hopper loads pay for each; tests/leads/test_children.py sees that children keep to their lead’s."""
    loose = {model.__name__ for model in OURS if has_company(model) and not company_of(model).db_constraint}
    assert_only(loose, {*CHILDREN, "BatchItem", "LedgerEntry", "LedgerSeal"})
    for name, room in CHILDREN.items():
        lead: Any = apps.get_model(room, name)._meta.get_field("lead")
        assert (lead.related_model, lead.null, lead.db_constraint) == (Lead, False, True)


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_the_ways_to_a_company_arrive(name: str, path: str) -> None:
    model: Any = next(model for model in OURS if model.__name__ == name)
    for step in path.split("__"):
        field = model._meta.get_field(step)
        assert not field.null
        model = field.related_model
    assert model is Company


def test_no_model_has_an_order_of_its_own() -> None:
    """Each query says in which order it wants its rows."""
    assert [model.__name__ for model in OURS if model._meta.ordering] == []


def test_no_relation_leads_to_leads_unguarded() -> None:
    """A reverse accessor (unit.lead_set) would be a way around the door."""
    ways = {field.name: field.remote_field.hidden for field in Lead._meta.concrete_fields if field.remote_field}
    assert [name for name, hidden in ways.items() if not hidden] == []


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
