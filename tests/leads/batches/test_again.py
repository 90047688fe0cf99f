"""M6: the undo of an undo does the thing again, with its right, loss and words; undoing that is an undo like the first."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils.html import strip_tags

from crm.notifications.models import Notification
from leads.batches.drafting import of_one
from leads.batches.undoing import deadline_of, why_not_undo
from leads.models import Activity, Batch, Lead
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from tests.factories.leads import assign, make_lead, make_stage
from tests.factories.people import fresh, make_manager
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, outcomes, run, undo
from tests.properties.test_batches import picture

pytestmark = pytest.mark.django_db
LOSS = "You will no longer decide about them: only Ben can give them back."


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", strip_tags(response.content.decode().replace("<", " <")))


def at(batch: Batch, step: str = "") -> str:
    return f"/batches/{batch.public_id}/{step}"


def state(harbor: Brokerage) -> list[Any]:
    """Every column, slot and share, and what everybody may."""
    keyrings = [load_keyring(fresh(user)) for user in (harbor.broker, harbor.lead, harbor.ana, harbor.ben)]
    leads = Lead.objects.order_by("pk")
    return [*picture(), [[access_to(keyring, lead).level for keyring in keyrings] for lead in leads]]


def to_ben(harbor: Brokerage, leads: list[Lead]) -> Batch:
    return done(harbor.broker, "owner", leads, to=f"person-{harbor.ben.pk}", keep_assistants=False)


@pytest.mark.parametrize("verb", ["owner", "delete"])
@pytest.mark.parametrize("single", [True, False])
def test_m6_the_undo_of_a_redo_takes_all_back(harbor: Brokerage, verb: str, single: bool) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.lead, "assistant")
    params: dict[str, Any] = {"to": f"person-{harbor.ben.pk}", "keep_assistants": False} if verb == "owner" else {}
    before = state(harbor)
    if single:
        batch = run(of_one(actor=fresh(harbor.broker), verb=verb, lead=lead, params=params))
    else:
        batch = done(harbor.broker, verb, [lead], **params)
    after = state(harbor)
    assert access_to(load_keyring(fresh(harbor.broker)), Lead.objects.get(pk=lead.pk)).level < Level.MANAGE
    for _ in range(2):
        back = run(undo(harbor.broker, batch))
        assert (outcomes(back), state(harbor)) == ({lead.pk: "changed"}, before)
        batch = run(undo(harbor.broker, back))
        assert (outcomes(batch), state(harbor)) == ({lead.pk: "changed"}, after)
    assert why_not_undo(fresh(harbor.broker), batch) == ""


def test_m6_a_redo_is_undone_by_whom_and_for_how_long_the_first_was(harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside) for _ in range(2)]
    first = to_ben(harbor, leads)
    again = run(undo(harbor.broker, run(undo(harbor.broker, first))))
    other = make_manager(harbor.whole, "Other")
    assert again.ended_at
    assert deadline_of(again) == again.ended_at + timedelta(hours=24)
    for user in (harbor.lead, harbor.ben):
        assert why_not_undo(fresh(user), again) == why_not_undo(fresh(user), first) == "Only Broker can undo this."
    assert outcomes(undo(other, again)) == {lead.pk: "" for lead in leads}
    Activity.objects.create(company=harbor.company, lead=leads[0], actor=harbor.ben, kind="call")
    assert outcomes(undo(harbor.broker, again)) == {leads[0].pk: "worked", leads[1].pk: ""}
    Batch.objects.filter(pk=again.pk).update(ended_at=F("ended_at") - timedelta(hours=25))
    again.refresh_from_db()
    assert why_not_undo(fresh(harbor.broker), again) == "The time to undo this is over."


def test_m6_a_unit_that_has_them_again_gives_them_back_at_any_time(harbor: Brokerage) -> None:
    first = done(
        harbor.broker, "owner", [make_lead(harbor.lakeside)], to=f"unit-{harbor.hilltop.pk}", keep_assistants=False
    )
    back = run(undo(harbor.broker, first))
    again = run(undo(harbor.broker, back))
    assert [deadline_of(batch) is None for batch in (first, back, again)] == [True, False, True]


def test_m1_a_redo_says_what_is_lost_by_it(client: Client, harbor: Brokerage) -> None:
    first = to_ben(harbor, [make_lead(harbor.lakeside) for _ in range(2)])
    client.force_login(harbor.broker)
    undoing = undo(harbor.broker, first)
    assert LOSS not in text(client.get(at(undoing)))
    page = text(client.get(at(undo(harbor.broker, run(undoing)))))
    assert LOSS in page
    assert "You can undo this for 24 hours, or until Ben has worked them." in page
    assert "Change 2 leads" in page
    assert "Undo 2 leads" not in page


def test_m6_every_turn_says_what_it_did(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, first_name="Maya", last_name="")
    batch = done(harbor.broker, "delete", [lead])
    client.force_login(harbor.broker)
    for title, outcome, button, way in (
        ("Undone", "Undone", "Undo 1 lead", "Do it again"),
        ("Done again", "Deleted", "Delete 1 lead", "Undo"),
        ("Undone", "Undone", "Undo 1 lead", "Do it again"),
    ):
        batch = undo(harbor.broker, batch)
        assert button in text(client.get(at(batch)))
        html = client.get(at(run(batch))).content.decode()
        assert f">{title}</h2>" in html
        assert f"{outcome} 1" in re.sub(r"\s+", " ", strip_tags(html.replace("<", " <")))
        assert re.search(rf'form="undo"[^>]*>(?:<svg.*?</svg>)?\s*{way}\s*<', html, re.DOTALL)
        assert batch.undoes
        assert f"{title} by Broker" in text(client.get(at(batch.undoes)))


def test_m7_m8_a_redo_is_told_and_written_as_what_it_does(harbor: Brokerage) -> None:
    again = run(undo(harbor.broker, run(undo(harbor.broker, to_ben(harbor, [make_lead(harbor.lakeside)])))))
    assert set(LedgerEntry.objects.filter(batch_id=again.pk).values_list("why", flat=True)) == {"done again in mass"}
    told = Notification.objects.filter(user=harbor.ben).order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["owned", "owner_changed", "owned"]


# --- conflicts, and what comes to nothing ------------------------------------------------------------------------------


def test_m6_conflicts_are_named_as_far_as_she_may_read_them(client: Client, harbor: Brokerage) -> None:
    warm, hot = make_stage(harbor.company, "Warm"), make_stage(harbor.company, "Hot")
    names = ("Same", "Newer", "Secret")
    leads = same, newer, secret = [make_lead(harbor.lakeside, first_name=name, last_name="") for name in names]
    batch = done(harbor.lead, "stage", leads, stage=warm)
    Lead.objects.filter(pk__in=[newer.pk, secret.pk]).update(stage=hot)
    Lead.objects.filter(pk=secret.pk).update(owner_unit=harbor.hilltop)
    client.force_login(harbor.lead)
    page = client.get(at(undo(harbor.lead, batch)))
    named = text(page).partition("Left alone")[2]
    assert "Newer Changed since" in named
    assert f'href="/people/{newer.public_id}/"' in page.content.decode()
    assert "Same" not in named
    assert "Secret" not in text(page)
    Lead.objects.filter(pk=same.pk).update(stage=hot)
    page = client.get(at(undo(harbor.lead, batch)))
    assert "Nothing can be undone now. Where something newer is undone first, this can be done then." in text(page)
    assert "Newer Changed since" in text(page)
    skipped = client.get(at(batch.undoings.latest("pk"), "skipped.csv"))
    assert len(b"".join(skipped.streaming_content).splitlines()) == 4  # type: ignore[attr-defined]


def test_m6_without_anything_newer_nothing_is_said_of_it(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    batch = to_ben(harbor, [lead])
    Activity.objects.create(company=harbor.company, lead=lead, actor=harbor.ben, kind="call")
    client.force_login(harbor.broker)
    page = text(client.get(at(undo(harbor.broker, batch))))
    assert "Nothing can be undone now." in page
    assert "newer" not in page


def test_m4_what_changes_nothing_does_not_say_what_would_follow(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    chosen = {"verb": "owner", "lead": make_lead(harbor.lakeside).public_id}
    there = client.post("/batches/", chosen, follow=True).request["PATH_INFO"]
    page = text(client.post(there, {"to": f"unit-{harbor.lakeside.pk}"}, follow=True))
    assert "Nothing would change." in page
    for claim in ("will own", "You can undo", "sees what", "loses sight"):
        assert claim not in page
