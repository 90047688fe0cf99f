"""The list of mass actions: each told apart from the others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from crm.organization.models import User
from leads.batches.drafting import of_one
from leads.batches.verbs.pooling import PondForm
from leads.models import Batch, Lead
from leads.services.erasing import erase
from tests.factories.leads import make_lead, make_pond, make_stage
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def rows(client: Client, user: User) -> list[str]:
    client.force_login(user)
    html = client.get("/batches/").content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"\s+", " ", strip_tags(row.replace("<", " <"))).strip() for row in html.split("</tr>")[:-1]]


def test_m4_a_row_says_what_was_done_to_whom(client: Client, harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    leads = [make_lead(harbor.lakeside, score=80, first_name="Maya", last_name="Okafor") for _ in range(3)]
    done(harbor.lead, "assign", leads[:2], user=harbor.ben)
    batch = done(harbor.lead, "stage", "score_min=50", stage=warm)
    run(undo(harbor.lead, batch))
    run(of_one(actor=fresh(harbor.lead), verb="assign", lead=leads[2], params={"user": harbor.ana.pk}))
    assert [row.partition(", ")[0] for row in rows(client, harbor.lead)] == [
        "Assign to Ana Maya Okafor 1 of 1",
        "Undo: change the stage to Warm Score from: 50 3 of 3",
        "Change the stage to Warm Score from: 50 3 of 3",
        "Assign to Ben 2 picked by hand 2 of 2",
    ]
    others = " ".join(rows(client, harbor.broker))
    assert "Change the stage to Warm" in others
    for secret in ("Maya", "Score", "picked", "of 3"):
        assert secret not in others


def test_m6_an_undo_and_what_undoes_it_are_told_apart(client: Client, harbor: Brokerage) -> None:
    batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=make_stage(harbor.company, "Warm"))
    titles = ["Change the stage to Warm"]
    for word in ("Undo", "Redo", "Undo"):
        batch = run(undo(harbor.lead, batch))
        titles.insert(0, f"{word}: change the stage to Warm")
        client.force_login(harbor.lead)
        assert f">{titles[0]}</h1>" in client.get(f"/batches/{batch.public_id}/").content.decode()
    for row, title in zip(rows(client, harbor.lead), titles, strict=True):
        assert row.startswith(f"{title} ")


def test_m6_an_undo_that_undid_nothing_does_not_read_done(client: Client, harbor: Brokerage) -> None:
    warm, hot = make_stage(harbor.company, "Warm"), make_stage(harbor.company, "Hot")
    lead = make_lead(harbor.lakeside)
    undoing = undo(harbor.lead, done(harbor.lead, "stage", [lead], stage=warm))
    Lead.objects.filter(pk=lead.pk).update(stage=hot)
    run(undoing)
    newest, first = rows(client, harbor.lead)
    assert "Nothing undone" in newest
    assert "Done" not in newest
    assert "Done" in first


def test_m4_a_preview_that_was_not_run_is_in_its_author_s_list_only(client: Client, harbor: Brokerage) -> None:
    batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=make_stage(harbor.company, "Warm"))
    undo(harbor.lead, batch)
    assert len(rows(client, harbor.lead)) == 2
    assert len(rows(client, harbor.broker)) == 1


def test_m4_where_no_pond_can_be_chosen_it_says_so(harbor: Brokerage) -> None:
    assert "There is no pond you can choose" in str(PondForm(actor=harbor.lead))
    make_pond(harbor.lakeside, harbor.ana)
    assert "There is no pond" not in str(PondForm(actor=harbor.lead))


def test_m9_the_list_forgets_whom_a_filter_named(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, first_name="Maya", emails=["maya@mail.example"])
    done(harbor.lead, "stage", "q=maya", stage=make_stage(harbor.company, "Warm"))
    assert "Search: maya" in rows(client, harbor.lead)[0]
    erase(actor=harbor.broker, kind="email", value="maya@mail.example")
    assert "maya" not in str(Batch.objects.values()).lower()


def test_the_list_asks_no_more_for_more_rows(client: Client, harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    client.force_login(harbor.lead)

    def queries(**more: Any) -> int:
        batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
        run(undo(harbor.lead, batch))
        run(of_one(actor=fresh(harbor.lead), verb="stage", lead=make_lead(harbor.lakeside), params={"stage": warm.pk}))
        with CaptureQueriesContext(connection) as captured:
            client.get("/batches/")
        return len(captured)

    first = queries()
    assert [queries() for _ in range(3)][-1] == first
