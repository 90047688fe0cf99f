"""The admin shows a company its own rows only: every registered page, with a second company beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin import RelatedFieldListFilter
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import ModelChoiceField
from django.http import HttpResponse
from django.test import Client

from leads.models import Stage
from permissions.admin.base import CompanyAdmin, CompanyFilter
from permissions.admin.site import site
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.permissions.admin.walk import MAKE, REGISTERED, SECRET, address, signed_in, text

pytestmark = pytest.mark.django_db
each_page = pytest.mark.parametrize(("model", "pages"), REGISTERED, ids=[model.__name__ for model, _ in REGISTERED])


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def client(harbor: Brokerage) -> Client:
    return signed_in(harbor.broker)


def theirs(model: type[Model]) -> Model:
    return MAKE[model](stranger())


def snapshot(model: type[Model]) -> list[dict[str, Any]]:
    return list(model._default_manager.order_by("pk").values())


def without_tokens(page: HttpResponse, pk: int) -> str:
    """Its text without the address it was asked at and what protects its forms."""
    return re.sub(r"\b\w{64}\b", "", text(page).replace(f"/{pk}/", ""))


def choosers(context: Any) -> Iterator[ModelChoiceField]:
    """The fields of a form's page that choose a row, those within inlines included."""
    forms = [context["adminform"].form]
    forms += [form for inline in context["inline_admin_formsets"] for form in inline.formset.forms]
    for form in forms:
        yield from (field for field in form.fields.values() if type(field) is ModelChoiceField)


@each_page
def test_o6_lists_show_no_stranger(client: Client, model: type[Model], pages: CompanyAdmin) -> None:
    foreign = theirs(model)
    page = client.get(address(model, "changelist"))
    assert page.status_code == 200
    assert foreign not in page.context["cl"].queryset
    assert SECRET not in text(page)
    if pages.search_fields:
        assert client.get(address(model, "changelist"), {"q": SECRET}).context["cl"].result_count == 0


@each_page
def test_o6_filters_list_no_stranger(client: Client, model: type[Model], pages: CompanyAdmin) -> None:
    theirs(model)
    shown = client.get(address(model, "changelist")).context["cl"]
    for spec in shown.filter_specs:
        assert SECRET not in str(list(spec.choices(shown)))
        if isinstance(spec, RelatedFieldListFilter):
            assert isinstance(spec, CompanyFilter)
            other = theirs(spec.field.remote_field.model)
            assert other.pk not in dict(spec.lookup_choices)
            found = client.get(address(model, "changelist"), {spec.lookup_kwarg: other.pk})
            assert found.context["cl"].result_count == 0


@each_page
@pytest.mark.parametrize("page", ["change", "history", "delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_o6_rows_of_strangers_are_not_there(
    client: Client, model: type[Model], pages: CompanyAdmin, page: str, method: str
) -> None:
    foreign, base = theirs(model), address(model, "changelist")
    before = snapshot(model)
    there, missing = (getattr(client, method)(f"{base}{pk}/{page}/", {"post": "yes"}) for pk in (foreign.pk, 2**40))
    expected = 405 if (method, page) == ("post", "history") else 404
    assert there.status_code == missing.status_code == expected
    assert without_tokens(there, foreign.pk) == without_tokens(missing, 2**40)
    assert snapshot(model) == before


@each_page
def test_o6_forms_offer_no_stranger(client: Client, model: type[Model], pages: CompanyAdmin) -> None:
    theirs(model)
    own = pages.get_queryset(client.get("/admin/").wsgi_request).order_by("pk").first()
    for path in (f"{address(model, 'changelist')}add/", address(model, "change", own.pk if own else 0)):
        shown = client.get(path)
        if shown.status_code != 200:
            continue
        assert SECRET not in text(shown)
        for field in choosers(shown.context):
            other = theirs(field.queryset.model)
            with pytest.raises(ValidationError):
                field.clean(other.pk)


@each_page
@pytest.mark.parametrize(
    "lookup", ["company__name__startswith", "password__startswith", "company", "company__people__email", "nothing"]
)
def test_o6_lists_are_filtered_by_what_they_offer_only(
    client: Client, model: type[Model], pages: CompanyAdmin, lookup: str
) -> None:
    assert client.get(address(model, "changelist"), {lookup: "p"}).status_code == 400


@each_page
@pytest.mark.parametrize("trick", ["_popup", "_to_field", "_saveasnew"])
def test_windows_and_copies_are_not_offered(
    client: Client, model: type[Model], pages: CompanyAdmin, trick: str
) -> None:
    assert client.get(address(model, "changelist"), {trick: "id"}).status_code == 404
    assert client.post(address(model, "changelist"), {trick: "id"}).status_code == 404


@each_page
@pytest.mark.parametrize("query", ["q=%00", "q=%27%29%3B+DROP+TABLE", "p=99999999", "p=x", "o=9.-9", "e=1"])
def test_lists_take_any_text(client: Client, model: type[Model], pages: CompanyAdmin, query: str) -> None:
    assert client.get(f"{address(model, 'changelist')}?{query}").status_code in {200, 404}


@each_page
def test_only_managers_of_the_company_with_the_verb_enter(
    harbor: Brokerage, model: type[Model], pages: CompanyAdmin
) -> None:
    for user in (harbor.ana, harbor.lead, harbor.north_admin):
        assert signed_in(user).get(address(model, "changelist")).status_code == 403
    profile = harbor.broker.holding.profile
    profile.permissions = sorted(site.verbs() - {pages.verb}) or ["add_lead"]
    profile.save()
    for page in ("", *(["add/"] if pages.addable else [])):
        assert signed_in(harbor.broker).get(address(model, "changelist") + page).status_code == 403


def test_the_history_is_of_ones_own_company(client: Client, harbor: Brokerage) -> None:
    stage = harbor.company.stages.order_by("pk").first()
    LogEntry.objects.log_actions(stranger().pk, [stage], CHANGE, SECRET)
    LogEntry.objects.log_actions(harbor.broker.pk, [stage], CHANGE, "Ours")
    page = text(client.get(address(Stage, "history", stage.pk)))
    assert "Ours" in page
    assert SECRET not in page
