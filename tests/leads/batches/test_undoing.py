"""M6: what can be undone, what stays undoable, and what the page says of it."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
from django.db.models import Func, Value
from django.test import Client
from django.utils.html import strip_tags

from crm.organization.models import Unit
from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.undoing import why_not_undo
from leads.batches.verb import NotNowError
from leads.models import Batch, Lead, Stage
from leads.services.sharing import share_lead
from leads.services.transferring import transfer_leads
from leads.services.working import edit_lead
from permissions.catalog import Permission
from permissions.keyring import load_keyring
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


# --- another owner since ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["stage", "tags", "revoke", "release", "assign"])
def test_m6_what_changed_hands_since_is_not_taken_back(harbor: Brokerage, warm: Stage, verb: str) -> None:
    """Whoever owns it now has not been asked."""
    lead = make_lead(harbor.lakeside, agent=None if verb == "assign" else harbor.ana)
    share_lead(
        keyring=load_keyring(fresh(harbor.lead)), actor=harbor.lead, lead=lead, user=harbor.ben, verb="work_lead"
    )
    params = {
        "stage": {"stage": warm},
        "tags": {"add": ["leo"], "remove": []},
        "revoke": {"user": harbor.ben},
        "release": {},
        "assign": {"user": harbor.ben},
    }[verb]
    batch = done(harbor.lead, verb, [lead], **params)
    assert batch.changed == 1
    transfer_leads(actor=fresh(harbor.lead), lead_ids=[lead.pk], to=harbor.ana, why="by hand")
    undoing = undo(harbor.lead, batch)
    assert outcomes(undoing) == {lead.pk: "newer"}
    transfer_leads(actor=fresh(harbor.ana), lead_ids=[lead.pk], to=harbor.lakeside, why="by hand")
    if verb in ("stage", "tags"):  # to and fro is as if nothing had been
        assert run(undo(harbor.lead, batch)).changed == 1


def test_m6_a_departure_leaves_alone_what_another_unit_owns_since(harbor: Brokerage) -> None:
    lead, other = make_lead(harbor.hilltop, agent=harbor.dee), make_lead(harbor.hilltop, agent=harbor.dee)
    made = draft(actor=fresh(harbor.broker), verb="depart", scope={"person": harbor.dee.pk, "unit": None})
    batch = run(preview(actor=fresh(harbor.broker), batch=made, params={"to": {}}))
    transfer_leads(actor=fresh(harbor.broker), lead_ids=[lead.pk], to=harbor.south, why="by hand")
    run(undo(harbor.broker, batch))
    lead.refresh_from_db()
    other.refresh_from_db()
    assert (lead.agent, other.agent) == (None, harbor.dee)


def test_m6_a_new_owner_who_edited_it_has_worked_it(harbor: Brokerage) -> None:
    Unit.objects.update(may_change_ownership=True)
    lead = make_lead(harbor.lakeside)
    batch = done(harbor.lead, "owner", [lead], to=f"person-{harbor.ben.pk}", keep_assistants=False)
    lead.refresh_from_db()
    edit_lead(keyring=load_keyring(fresh(harbor.ben)), lead=lead, fields={"first_name": "His"})
    undoing = undo(harbor.lead, batch)
    assert outcomes(undoing) == {lead.pk: "worked"}


# --- the same subject twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["depart", "close"])
def test_o4_of_two_at_once_one_is_told(client: Client, harbor: Brokerage, verb: str) -> None:
    for _ in range(3):
        make_lead(harbor.lakeside, agent=harbor.ana)
    scope = {"person": harbor.ana.pk, "unit": None} if verb == "depart" else {"unit": harbor.lakeside.pk}
    params: dict[str, Any] = {"to": {}} if verb == "depart" else {"to": f"unit-{harbor.north.pk}"}
    one, other = (
        preview(
            actor=fresh(harbor.broker),
            batch=draft(actor=fresh(harbor.broker), verb=verb, scope=scope),
            params={**params, "keep_assistants": False} if verb == "close" else params,
        )
        for _ in range(2)
    )
    confirm(actor=fresh(harbor.broker), batch=one)
    confirm(actor=fresh(harbor.broker), batch=other)
    with mock.patch("leads.batches.running.CHUNK", 1):
        assert carry_on(one.pk, chunks=1)
        while carry_on(other.pk):
            pass
        other.refresh_from_db()
        assert (other.state, other.problem, other.changed) == (
            "failed",
            "The same is being done already, begun by yourself.",
            0,
        )
        while carry_on(one.pk):
            pass
    one.refresh_from_db()
    assert (one.state, one.changed) == ("done", 3)
    with pytest.raises(NotNowError):
        undo(harbor.broker, other)
    client.force_login(harbor.broker)
    html = client.get(f"/batches/{other.public_id}/").content.decode()
    assert "Nothing was changed." in html
    for claim in ("can be undone", "Not done", "nothing to undo", ">Done<"):
        assert claim not in html
    run(undo(harbor.broker, one))
    assert Lead.objects.filter(owner_unit=harbor.lakeside).count() == 3


def test_m4_the_preview_of_an_undo_says_whose_sight_changes_by_it(client: Client, harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside) for _ in range(2)]
    given = done(harbor.broker, "owner", leads, to=f"person-{harbor.ben.pk}", keep_assistants=False)
    back = undo(harbor.broker, given)
    assert given.preview
    assert back.preview
    back.refresh_from_db()
    foreseen = [(one["before"], one["after"], one["people"]) for one in given.preview["sight"]]
    assert foreseen
    assert [(one["after"], one["before"], one["people"]) for one in back.preview["sight"]] == foreseen
    client.force_login(harbor.broker)
    shown = text(client.get(at(back)))
    assert "Will no longer see them" in shown
    assert f"{harbor.ben} (2)" in shown
