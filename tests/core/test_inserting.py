"""Many rows by one statement: what `bulk_create` writes, in the same order."""

from __future__ import annotations

import pytest
from django.db import DataError
from django.forms.models import model_to_dict
from pytest_django import DjangoAssertNumQueries

from crm.core.inserting import insert_all
from leads.models import Lead
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import brokerage

pytestmark = pytest.mark.django_db
SAID = ["'); DROP TABLE leads_lead; --", "Zoë 🦩", 'a "b" \\ c', "two\nlines\t", "", "%s {} \u2028"]


def test_rows_are_those_of_bulk_create_in_their_order() -> None:
    harbor = brokerage()
    details = [None, {}, {"before": None, "after": [1, 2.5, "ü"]}, {"until": "2999-01-01T00:00:00+00:00"}]
    rows = [
        {"company": harbor.company, "kind": "assigned", "actor": actor, "lead_id": number, "why": why, "detail": detail}
        for number, (why, detail, actor) in enumerate(
            (why, detail, actor) for why in SAID for detail in details for actor in (harbor.ana, None)
        )
    ]
    ours = insert_all([LedgerEntry(**row) for row in rows], {*rows[0]})
    theirs = LedgerEntry.objects.bulk_create([LedgerEntry(**row) for row in rows])
    assert [one.pk for one in ours] == sorted(one.pk for one in ours)
    columns = ("company", "kind", "actor", "lead_id", "role", "from_user_id", "why", "detail", "detail__isnull")
    written = [
        list(LedgerEntry.objects.filter(pk__in=[one.pk for one in those]).order_by("pk").values_list(*columns))
        for those in (ours, theirs)
    ]
    assert written[0] == written[1]
    assert [row[3] for row in written[0]] == [*range(len(rows))]


def test_a_lead_has_the_rest_by_default_and_can_be_saved_again() -> None:
    known = make_lead(brokerage().lakeside)
    row = {name: getattr(known, name) for name in ("company", "owner_unit", "origin", "origin_unit", "stage", "custom")}
    [made] = insert_all([Lead(**row, first_name=SAID[0], tags=["a", 'b"c'])], {*row, "first_name", "tags"})
    read = Lead.objects.get(pk=made.pk)
    assert (made.public_id, made.locks, made.created_at) == (read.public_id, read.locks, read.created_at)
    assert (read.first_name, read.tags, len(read.public_id), read.locks) == (SAID[0], ["a", 'b"c'], 12, known.locks)
    assert model_to_dict(read, ["score", "city", "do_not_call"]) == {"score": 0, "city": "", "do_not_call": False}
    read.city = "Bonn"
    read.save()
    assert Lead.objects.get(pk=made.pk).city == "Bonn"


def test_what_does_not_fit_is_refused_and_nothing_asks_for_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    company = brokerage().company
    with pytest.raises(DataError):
        insert_all([LedgerEntry(company=company, kind="assigned", why="x" * 81)], {"company", "kind", "why"})
    with pytest.raises(AssertionError):
        insert_all([LedgerEntry(company=company)], {"company", "colour"})
    with django_assert_num_queries(0):
        assert insert_all([], {"company"}) == []
