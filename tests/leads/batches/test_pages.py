"""The page of a mass action: from the People list through its four steps, and who may not."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import User
from leads.batches import drafting
from leads.batches.running import carry_on
from leads.models import Batch, Lead, Stage
from permissions.models import Profile
from permissions.profiles.services import give_profile
from tests.factories.leads import make_lead, make_stage
from tests.factories.people import make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, drafted, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def warm(harbor: Brokerage) -> Stage:
    return make_stage(harbor.company, "Warm")


def begin(client: Client, user: User, **form: Any) -> Any:
    client.force_login(user)
    return client.post("/batches/", {"verb": "stage", **form}, follow=True)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def lose_mass_editing(user: User) -> None:
    profile = Profile.objects.create(company=user.company, code="single", name="Single", permissions=["add_lead"])
    give_profile(user, profile.code)


def test_m4_the_four_steps_on_one_page(client: Client, harbor: Brokerage, warm: Stage) -> None:
    leads = [make_lead(harbor.lakeside, first_name="Maya", last_name=f"Okafor{n}") for n in range(3)]
    make_lead(harbor.lakeside, first_name="Jonas", stage=warm)
    page = begin(client, harbor.lead, lead=[lead.public_id for lead in leads])
    assert "3 people" in text(page)
    address = page.request["PATH_INFO"]
    page = client.post(address, {"stage": warm.pk}, follow=True)
    assert "Change the stage to Warm" in text(page)
    assert "Will change 3 of 3" in text(page)
    assert "Maya Okafor0 New becomes Warm" in text(page)
    assert "Nobody gains or loses sight" in text(page)
    assert set(Lead.objects.values_list("stage__name", flat=True)) == {"New", "Warm"}
    with mock.patch("leads.tasks.run_batch.queue") as queue:
        page = client.post(f"{address}confirm/", follow=True)
    batch = Batch.objects.get()
    queue.assert_called_once_with(batch.pk)
    assert "Waiting for its turn" in text(page)
    assert 'hx-trigger="every 1s"' in page.content.decode()
    carry_on(batch.pk)
    page = client.get(address)
    assert "Changed 3" in text(page)
    assert text(page).count("Maya Okafor") == 3
    assert 'hx-trigger="every' not in page.content.decode()
    page = client.post(f"{address}undo/", follow=True)
    assert "Undo: change the stage to Warm" in text(page)
    assert "Will change 3 of 3" in text(page)


def test_m4_all_that_match_the_filter_by_query_and_not_by_page(client: Client, harbor: Brokerage, warm: Stage) -> None:
    for _ in range(60):
        make_lead(harbor.lakeside, score=80)
    make_lead(harbor.lakeside, score=10)
    page = begin(client, harbor.lead, all="1", query="score_min=50&cursor=x", lead=["ignored"])
    assert "60 people" in text(page)
    assert "Score from 50" in text(page)
    assert "Will change 60 of 60" in text(client.post(page.request["PATH_INFO"], {"stage": warm.pk}, follow=True))


def test_m4_the_list_offers_what_her_profile_allows(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana)
    client.force_login(harbor.lead)
    html = client.get("/people/").content.decode()
    assert 'name="lead"' in html
    assert 'name="verb" value="stage"' in html
    client.force_login(harbor.ana)
    assert 'name="lead"' not in client.get("/people/").content.decode()


def test_v5_redacted_rows_cannot_be_ticked(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, hidden=True)
    client.force_login(harbor.lead)
    html = client.get("/people/").content.decode()
    assert "is-redacted" in html
    assert lead.public_id not in html


@pytest.mark.parametrize("who", ["ana", "broker"])
def test_p3_without_the_permission_one_acts_lead_by_lead(
    client: Client, harbor: Brokerage, warm: Stage, who: str
) -> None:
    user = getattr(harbor, who)
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    lose_mass_editing(user)
    assert begin(client, user, lead=lead.public_id).status_code == 403
    assert not Batch.objects.exists()


def test_p3_who_loses_the_permission_gets_no_further(client: Client, harbor: Brokerage, warm: Stage) -> None:
    batch = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    lose_mass_editing(harbor.lead)
    client.force_login(harbor.lead)
    for step in ("", "confirm/"):
        assert client.post(f"/batches/{batch.public_id}/{step}", {"stage": warm.pk}).status_code == 403


@pytest.mark.parametrize("step", ["", "confirm/", "cancel/", "discard/", "undo/", "skipped.csv"])
def test_v3_a_stranger_or_colleague_finds_no_batch(client: Client, harbor: Brokerage, warm: Stage, step: str) -> None:
    batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    for user in (stranger(), harbor.ana, harbor.north_admin, make_manager(harbor.lakeside)):
        client.force_login(user)
        method = client.get if step in ("", "skipped.csv") else client.post
        assert method(f"/batches/{batch.public_id}/{step}").status_code == 404


def test_company_managers_see_every_batch_but_no_draft(client: Client, harbor: Brokerage, warm: Stage) -> None:
    batch = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    client.force_login(harbor.broker)
    assert client.get(f"/batches/{batch.public_id}/").status_code == 404
    queued(batch)
    assert client.get(f"/batches/{batch.public_id}/").status_code == 200
    listed = client.get("/batches/")
    assert "Change the stage to Warm" in text(listed)
    assert "hx-get" in listed.content.decode()


@pytest.mark.parametrize("step", ["confirm/", "cancel/", "discard/", "undo/"])
def test_steps_are_posts(client: Client, harbor: Brokerage, warm: Stage, step: str) -> None:
    batch = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    client.force_login(harbor.lead)
    assert client.get(f"/batches/{batch.public_id}/{step}").status_code == 405


def test_bad_input_is_refused_with_words(client: Client, harbor: Brokerage, warm: Stage) -> None:
    lead = make_lead(harbor.lakeside)
    assert begin(client, harbor.lead, verb="nonsense", lead=lead.public_id).status_code == 404
    assert "Nobody is selected" in text(begin(client, harbor.lead))
    page = begin(client, harbor.lead, lead=[lead.public_id, "no/id", "zzz"])
    assert "2 of those you selected are not to be found" in text(page)
    address = page.request["PATH_INFO"]
    foreign = make_stage(stranger().company, "Theirs")
    for stage in ("", "x", foreign.pk):
        answer = client.post(address, {"stage": stage})
        assert answer.status_code == 422
        assert "field" in answer.content.decode()
    assert client.post(f"{address}confirm/").status_code == 302  # without a preview nothing begins
    assert Batch.objects.get(pk=Batch.objects.latest("pk").pk).state == "draft"


def test_a_filter_that_cannot_be_read_changes_nobody(client: Client, harbor: Brokerage, warm: Stage) -> None:
    make_lead(harbor.lakeside)
    page = begin(client, harbor.lead, all="1", query="score_min=many")
    assert "A filter could not be read" in text(page)
    answer = client.post(page.request["PATH_INFO"], {"stage": warm.pk})
    assert answer.status_code == 422
    assert "A filter could not be read" in text(answer)


def test_m4_more_than_the_limit_is_refused(
    client: Client, harbor: Brokerage, warm: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.batches.verbs.stage.ChangeStage.limit", 2)
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    page = begin(client, harbor.lead, lead=[lead.public_id for lead in leads])
    answer = client.post(page.request["PATH_INFO"], {"stage": warm.pk})
    assert answer.status_code == 422
    assert "more than 2 leads" in text(answer)
    assert not Batch.objects.get().items.exists()


def test_m4_results_show_each_lead_as_far_as_she_may_see_it_now(client: Client, harbor: Brokerage, warm: Stage) -> None:
    names = ["Seen", "Gone", "Concealed"]
    seen, gone, concealed = (make_lead(harbor.lakeside, first_name=name, last_name="Person") for name in names)
    batch = done(harbor.lead, "stage", [seen, gone, concealed], stage=warm)
    Lead.objects.filter(pk=gone.pk).update(owner_unit=harbor.hilltop)
    Lead.objects.filter(pk=concealed.pk).update(
        owner_unit=None, owner_user=harbor.ana, hidden=True, privacy=1, origin="agent", origin_unit=None
    )
    client.force_login(harbor.lead)
    page = text(client.get(f"/batches/{batch.public_id}/"))
    assert "Seen Person Changed" in page
    assert "A lead you cannot see now Changed" in page
    assert "Concealed Changed" in page
    assert "Gone" not in page
    assert "Concealed Person" not in page


def test_m4_the_skipped_as_csv(client: Client, harbor: Brokerage, warm: Stage) -> None:
    leads = [
        make_lead(harbor.lakeside, first_name="=cmd()", last_name="", stage=warm),
        make_lead(harbor.lakeside),
        make_lead(harbor.ana, hidden=True, first_name="Sam", last_name="Secret"),
    ]
    batch = done(harbor.lead, "stage", "", stage=warm)
    client.force_login(harbor.lead)
    answer = client.get(f"/batches/{batch.public_id}/skipped.csv")
    assert "attachment" in answer["Content-Disposition"]
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[1:] == [
        f"'=cmd(),In that stage already,{settings.PUBLIC_URL}/people/{leads[0].public_id}/",
        "Sam,Not yours to open,",
    ]


def test_m4_every_lead_picked_is_accounted_for(client: Client, harbor: Brokerage, warm: Stage) -> None:
    foreign = [make_lead(stranger()), make_lead(harbor.hilltop)]
    batch = done(harbor.lead, "stage", [make_lead(harbor.lakeside), *foreign], stage=warm)
    client.force_login(harbor.lead)
    there = f"/batches/{batch.public_id}/"
    page = client.get(there).content.decode()
    assert "Left out 2 Not to be found" in text(client.get(there))
    assert f"{there}skipped.csv" in page
    answer = client.get(f"{there}skipped.csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[1:] == ["2 of those picked,Not to be found,"]
    client.force_login(harbor.broker)
    assert "Not to be found" not in text(client.get(there))


def test_results_come_by_outcome_and_page_by_page(client: Client, harbor: Brokerage, warm: Stage) -> None:
    for number in range(60):
        make_lead(harbor.lakeside, first_name=f"Lead{number}", **({"stage": warm} if number % 2 else {}))
    batch = done(harbor.lead, "stage", "", stage=warm)
    client.force_login(harbor.lead)
    address = f"/batches/{batch.public_id}/"
    assert text(client.get(f"{address}?show=changed")).count("Lead") >= 30
    page = client.get(address).content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    rest = client.get(address + following[1].replace("&amp;", "&")).content.decode()
    assert len(set(re.findall(r"Lead\d+", page + rest))) == 60
    assert not re.search(r'rel="next"', rest)


def test_a_draft_can_be_left_and_changed(client: Client, harbor: Brokerage, warm: Stage) -> None:
    hot = make_stage(harbor.company, "Hot")
    batch = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    client.force_login(harbor.lead)
    address = f"/batches/{batch.public_id}/"
    assert f'value="{warm.pk}" selected' in client.get(f"{address}?edit").content.decode()
    assert "Change the stage to Hot" in text(client.post(address, {"stage": hot.pk}, follow=True))
    assert "Nothing was changed" in text(client.post(f"{address}discard/", follow=True))
    assert not Batch.objects.exists()


def test_pressed_twice_it_begins_once(client: Client, harbor: Brokerage, warm: Stage) -> None:
    batch = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    client.force_login(harbor.lead)
    for words in ("Waiting for its turn", "This has begun already"):
        assert words in text(client.post(f"/batches/{batch.public_id}/confirm/", follow=True))
    assert "This has begun already" in text(client.post(f"/batches/{batch.public_id}/discard/", follow=True))


def test_drafts_are_forgotten_after_a_day(harbor: Brokerage, warm: Stage) -> None:
    old = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    new = drafted(harbor.lead, "stage", [make_lead(harbor.lakeside)], stage=warm)
    Batch.objects.filter(pk=old.pk).update(created_at="2020-01-01T00:00Z")
    drafting.forget_drafts()
    assert list(Batch.objects.values_list("pk", flat=True)) == [new.pk]


def test_queries_do_not_grow_with_the_leads(client: Client, harbor: Brokerage, warm: Stage) -> None:
    client.force_login(harbor.lead)

    def queries(leads: int) -> list[int]:
        made = [make_lead(harbor.lakeside) for _ in range(leads)]
        draft, ended = drafted(harbor.lead, "stage", made, stage=warm), done(harbor.lead, "stage", made, stage=warm)
        counts = []
        for address in (f"/batches/{draft.public_id}/", f"/batches/{ended.public_id}/"):
            client.get(address)
            with CaptureQueriesContext(connection) as captured:
                html = client.get(address).content
            assert len(html) < 60_000
            counts.append(len(captured))
        return counts

    few = queries(2)
    assert queries(30) == few
    assert max(few) <= 16
