"""M6: what can be undone, what stays undoable, and what the page says of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db.models import Func, Value
from django.test import Client
from django.utils.html import strip_tags

from leads.batches.drafting import confirm
from leads.batches.running import carry_on
from leads.batches.undoing import why_not_undo
from leads.batches.verb import NotNowError
from leads.models import Batch, Lead, Stage
from permissions.catalog import Permission
from permissions.models import Profile
from tests.factories.leads import make_lead, make_stage
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, outcomes, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def warm(harbor: Brokerage) -> Stage:
    return make_stage(harbor.company, "Warm")


@pytest.fixture
def hot(harbor: Brokerage) -> Stage:
    return make_stage(harbor.company, "Hot")


def stages(*leads: Lead) -> list[str]:
    return [Lead.objects.select_related("stage").get(pk=lead.pk).stage.name for lead in leads]


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", strip_tags(response.content.decode().replace("<", " <")))


def at(batch: Batch, step: str = "") -> str:
    return f"/batches/{batch.public_id}/{step}"


def test_m6_what_was_left_alone_is_undone_later(client: Client, harbor: Brokerage, warm: Stage, hot: Stage) -> None:
    one, two = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    batch = done(harbor.lead, "stage", [one, two], stage=warm)
    newer = done(harbor.lead, "stage", [two], stage=hot)
    assert outcomes(run(undo(harbor.lead, batch))) == {one.pk: "changed", two.pk: "newer"}
    client.force_login(harbor.lead)
    assert "1 of 2 undone by Lead" in text(client.get(at(batch)))
    run(undo(harbor.lead, newer))
    rest = run(undo(harbor.lead, batch))
    assert outcomes(rest) == {two.pk: "changed"}
    assert stages(one, two) == ["New", "New"]
    assert why_not_undo(fresh(harbor.lead), batch) == "This is undone already."


def test_m6_an_undo_that_can_undo_nothing_does_not_begin(
    client: Client, harbor: Brokerage, warm: Stage, hot: Stage
) -> None:
    lead = make_lead(harbor.lakeside)
    batch = done(harbor.lead, "stage", [lead], stage=warm)
    done(harbor.lead, "stage", [lead], stage=hot)
    client.force_login(harbor.lead)
    page = client.post(at(batch, "undo/"), follow=True)
    assert "Nothing can be undone now" in text(page)
    assert 'form="confirm"' not in page.content.decode()
    undoing = batch.undoings.get()
    assert "Nothing can be undone now" in text(client.post(at(undoing, "confirm/"), follow=True))
    undoing.refresh_from_db()
    assert undoing.state == "draft"
    assert why_not_undo(fresh(harbor.lead), batch) == ""


def test_m4_what_would_change_nothing_does_not_begin(client: Client, harbor: Brokerage, warm: Stage) -> None:
    batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    client.force_login(harbor.lead)
    begun = {"verb": "stage", "all": "1", "query": ""}
    there = client.post("/batches/", begun, follow=True).request["PATH_INFO"]
    assert "Nothing would change" in text(client.post(there, {"stage": warm.pk}, follow=True))
    client.post(f"{there}confirm/")
    assert list(Batch.objects.exclude(pk=batch.pk).values_list("state", flat=True)) == ["draft"]


def test_m6_an_undo_is_undone_and_then_the_batch_again(harbor: Brokerage, warm: Stage) -> None:
    lead = make_lead(harbor.lakeside)
    batch = done(harbor.lead, "stage", [lead], stage=warm)
    undoing = run(undo(harbor.lead, batch))
    again = run(undo(harbor.lead, undoing))
    assert stages(lead) == ["Warm"]
    assert why_not_undo(fresh(harbor.lead), undoing) == "This is undone already."
    assert outcomes(run(undo(harbor.lead, batch))) == {lead.pk: "changed"}
    assert stages(lead) == ["New"]
    assert outcomes(undo(harbor.lead, again)) == {lead.pk: "newer"}


def test_m6_what_was_done_again_by_hand_is_newer(harbor: Brokerage, warm: Stage) -> None:
    lead = make_lead(harbor.lakeside)
    batch = done(harbor.lead, "stage", [lead], stage=warm)
    late = undo(harbor.lead, batch)
    run(undo(harbor.lead, batch))
    Lead.objects.filter(pk=lead.pk).update(stage=warm)
    assert outcomes(run(late)) == {lead.pk: "newer"}
    with pytest.raises(NotNowError, match="undone already"):
        undo(harbor.lead, batch)
    assert stages(lead) == ["Warm"]


@pytest.mark.parametrize(
    ("verb", "params", "words"),
    [
        ("stage", {"stage": "warm"}, "Maya Warm becomes New"),
        ("tags", {"add": ["new"], "remove": []}, "Maya old, new becomes old"),
        ("owner", {"to": "hilltop", "keep_assistants": False}, "Maya Hilltop becomes Lakeside"),
        ("assign", {"user": "ben"}, "Maya Ben becomes Ana"),
        ("assign", {"user": "ben", "role": "lender"}, "Maya Ben becomes Nobody"),
        ("release", {}, "Maya Nobody becomes Ana"),
        ("share", {"user": "dee", "verb": "work_lead", "until": None}, "Maya Work becomes Not shared"),
        ("hide", {}, "Mine Hidden becomes Shown"),
    ],
)
def test_m6_an_undo_shows_from_what_to_what(
    client: Client, harbor: Brokerage, warm: Stage, verb: str, params: dict[str, Any], words: str
) -> None:
    hiding = Permission.HIDE_LEAD.value
    Profile.objects.filter(company=harbor.company).update(
        permissions=Func("permissions", Value(hiding), function="array_append")
    )
    make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", last_name="", tags=["old"])
    make_lead(harbor.broker, first_name="Mine", last_name="")
    given = {"warm": warm, "ben": harbor.ben, "dee": harbor.dee, "hilltop": f"unit-{harbor.hilltop.pk}"}
    known = {name: given.get(value, value) if isinstance(value, str) else value for name, value in params.items()}
    undoing = undo(harbor.broker, done(harbor.broker, verb, "", **known))
    client.force_login(harbor.broker)
    assert words in text(client.get(at(undoing)))


def test_m6_while_it_is_being_undone_nobody_else_begins(client: Client, harbor: Brokerage, warm: Stage) -> None:
    batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    late, first = undo(harbor.lead, batch), undo(harbor.lead, batch)
    confirm(actor=fresh(harbor.lead), batch=first)
    client.force_login(harbor.lead)
    for answer in (client.post(at(late, "confirm/"), follow=True), client.post(at(batch, "undo/"), follow=True)):
        assert "This is being undone." in text(answer)
    while carry_on(first.pk):
        pass
    assert "This is undone already." in text(client.post(at(batch, "undo/"), follow=True))


def test_m6_an_undo_that_came_to_nothing_says_so(client: Client, harbor: Brokerage, warm: Stage, hot: Stage) -> None:
    lead = make_lead(harbor.lakeside)
    batch = done(harbor.lead, "stage", [lead], stage=warm)
    undoing = undo(harbor.lead, batch)
    confirm(actor=fresh(harbor.lead), batch=undoing)
    Lead.objects.filter(pk=lead.pk).update(stage=hot)
    carry_on(undoing.pk)
    client.force_login(harbor.lead)
    assert "Nothing was undone" in text(client.get(at(undoing)))
    page = text(client.get(at(batch)))
    assert "undone by" not in page
    assert 'form="undo"' in client.get(at(batch)).content.decode()
