"""The agent desktop (D9): from logging in to logging out, step by step, and what does not fit any more."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from dialer.models import AgentSession, CallAttempt, Campaign, Disposition, HopperEntry
from dialer.providers.port import ProviderError
from dialer.services.loading import load
from dialer.services.on_call import dial
from dialer.services.serving import skip
from dialer.services.sessions import NotNowError, end_sessions
from dialer.views import desk
from leads.models import Activity, Lead
from leads.services.consenting import mark_do_not_call
from permissions.keyring import load_keyring
from tests.dialer.hoppers import ALL_DAY, make_leads, set_hours
from tests.factories.campaigns import make_campaign
from tests.factories.scenes import Brokerage, brokerage
from tests.support.sameness import shapes_asked

HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor(db: None) -> Brokerage:
    found = brokerage()
    set_hours(found.company, ALL_DAY)
    return found


@pytest.fixture
def campaign(harbor: Brokerage) -> Campaign:
    return make_campaign(harbor.lakeside, name="Autumn", script="Hello {first_name}, this is {agent}.")


@pytest.fixture
def ana(harbor: Brokerage) -> Client:
    client = Client()
    client.force_login(harbor.ana)
    return client


ON_HER_LEAD = ("skip", "call", "ended")


def step(client: Client, name: str, *args: Any, follow: bool = True, **sent: Any) -> str:
    """Sent by the page as it is now, where no `lead` says that it is another one."""
    now = AgentSession.objects.live().filter(user=client.session["_auth_user_id"]).select_related("lead").first()
    if name in ON_HER_LEAD and now and now.lead:
        sent = {"lead": now.lead.public_id} | sent
    answer = client.post(reverse(f"desk-{name}", args=args), sent, follow=follow)
    assert answer.status_code in (200, 422)
    return answer.content.decode()


def log_in(client: Client, campaign: Campaign) -> str:
    """She logs in, the hopper is loaded, and she asks for the next one."""
    step(client, "join", campaign.pk)
    load(campaign.pk)
    return step(client, "next")


def session() -> AgentSession:
    return AgentSession.objects.live().get()


def test_d9_a_call_from_logging_in_to_logging_out(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    second, first = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    assert "Log in to Autumn" in ana.get(reverse("desk")).content.decode()
    page = log_in(ana, campaign)
    assert first.first_name in page
    assert f"Hello {first.first_name}, this is Ana." in page
    assert "Call (602) 555-" in page
    number = first.contact_points.get().value
    assert f'href="tel:{number}"' in step(ana, "call", number=number)
    assert "Wrap-up" in step(ana, "ended")
    chosen = Disposition.objects.get(name="Talked").pk
    assert second.first_name in step(ana, "dispose", lead=first.public_id, disposition=chosen, note="Nice")
    assert "Log in to Autumn" in step(ana, "leave")
    assert not AgentSession.objects.live().exists()


def test_d9_a_note_that_cannot_be_saved_is_handed_back(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    third, second, first = make_leads(harbor.lakeside, 3, agent=harbor.ana)
    log_in(ana, campaign)
    talked = {"disposition": Disposition.objects.get(name="Talked").pk, "note": "Wants a <pier>"}
    step(ana, "call", number=first.contact_points.get().value)
    assert "hx-confirm" in ana.get(reverse("desk")).content.decode()
    Lead.objects.filter(pk=first.pk).update(removed_at=Now())
    page = step(ana, "dispose", lead=first.public_id, **talked)
    assert "was deleted while you called" in page
    assert "Your note was not saved: “Wants a &lt;pier&gt;”" in page
    step(ana, "call", number=second.contact_points.get().value)
    assert third.first_name in step(ana, "dispose", lead=second.public_id, **talked)
    page = step(ana, "dispose", lead=second.public_id, **talked)
    assert ("not where you are any more" in page, "not saved" in page) == (True, False), "the second click"
    step(ana, "call", number=third.contact_points.get().value)
    end_sessions(harbor.ana)
    assert "Your note was not saved" in step(ana, "dispose", lead=third.public_id, **talked)


def test_d9_the_desk_says_which_calls_it_counts(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    for _ in range(2):
        Activity.objects.create(company=harbor.company, lead=lead, kind="call", direction="out", actor=harbor.ben)
    assert "called 2 times in all" in log_in(ana, campaign)


def test_d8_skip_goes_on_to_the_next(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    second, first = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    assert first.first_name in log_in(ana, campaign)
    assert second.first_name in step(ana, "skip")


@pytest.mark.parametrize("seen", ["another", "gone", ""])
def test_d9_a_stale_page_skips_and_calls_no_other_lead_than_the_one_seen(
    ana: Client, campaign: Campaign, harbor: Brokerage, seen: str
) -> None:
    _, second, first = make_leads(harbor.lakeside, 3, agent=harbor.ana)
    log_in(ana, campaign)
    step(ana, "skip")
    sent = {"another": first.public_id, "gone": "x" * 12, "": ""}[seen]
    for name in ("skip", "call"):
        page = step(ana, name, lead=sent, number=second.contact_points.get().value)
        assert "not where you are any more" in page
        assert ("another lead is before you by now" in page) == bool(seen)
        assert second.first_name in page
        assert (session().state, session().lead_id) == ("preview", second.pk)
    assert not CallAttempt.objects.exists()
    step(ana, "call", number=second.contact_points.get().value)
    assert "not where you are any more" in step(ana, "ended", lead=sent)
    assert session().state == "on_call"


def test_d9_the_lead_seen_is_asked_about_once_more_when_it_is_held(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    """Of two windows at once, both have read the same."""
    _, second, first = make_leads(harbor.lakeside, 3, agent=harbor.ana)
    log_in(ana, campaign)
    mine = AgentSession.objects.whole().get()
    step(ana, "skip")
    number = second.contact_points.get().value
    for late in (partial(skip, mine), partial(dial, session=mine, number=number)):
        with pytest.raises(NotNowError):
            late(about=first.pk)
    assert (session().state, session().lead_id) == ("preview", second.pk)


def test_d9_each_button_says_which_lead_it_is_about(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    lead.contact_points.create(company=harbor.company, kind="phone", value="+16025559999", position=1)
    page = log_in(ana, campaign)
    forms = [one for one in page.split("<form") if reverse("desk-call") in one or reverse("desk-skip") in one]
    assert len(forms) == 3
    assert all(f'name="lead" value="{lead.public_id}"' in one.partition("</form>")[0] for one in forms)


def test_d8_where_skipping_is_not_allowed_there_is_no_button(ana: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, may_skip=False)
    make_leads(harbor.lakeside, 1, agent=harbor.ana)
    page = log_in(ana, campaign)
    assert reverse("desk-skip") not in page
    assert "not where you are any more" in step(ana, "skip")


def test_d9_pausing_and_going_on(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    step(ana, "join", campaign.pk)
    assert "Lunch" in step(ana, "pause", reason="lunch")
    assert session().state == "paused"
    assert "No lead is waiting for you" in step(ana, "resume")


def test_d9_a_step_that_does_not_fit_any_more_shows_where_she_is(ana: Client, campaign: Campaign) -> None:
    for name in ("skip", "call", "ended", "pause", "resume", "dispose"):
        assert "not where you are any more" in step(ana, name)
    step(ana, "join", campaign.pk)
    for name in ("skip", "call", "ended", "resume"):
        assert "not where you are any more" in step(ana, name)
    assert session().state == "ready"


def test_d9_who_calls_a_lead_that_was_just_taken_away_gets_the_next(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    second, first = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    assert first.first_name in log_in(ana, campaign)
    number = first.contact_points.get().value
    mark_do_not_call(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=first, on=True)
    assert session().state == "ready"
    page = step(ana, "call", number=number)
    assert "not where you are any more" in page
    assert second.first_name in page


def test_d14_where_a_gate_is_shut_she_is_told_and_goes_on(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    second, first = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    log_in(ana, campaign)
    Lead.objects.filter(pk=second.pk).update(state="AZ")
    page = step(ana, "call", number="+12125550100")
    assert "No such number: the lead was not called" in page
    assert second.first_name in page
    assert session().lead_id == second.pk
    assert first.pk not in HopperEntry.objects.values_list("lead", flat=True)


def test_d10_what_is_typed_stays_where_something_is_missing(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    log_in(ana, campaign)
    step(ana, "call", number=lead.contact_points.get().value)
    page = step(ana, "dispose", lead=lead.public_id, disposition="", note="Spoke with her son")
    assert "Say what came of the call." in page
    assert "Spoke with her son" in page
    callback = Disposition.objects.get(name="Callback").pk
    assert "Say when to call again." in step(ana, "dispose", lead=lead.public_id, disposition=callback, note="Later")
    assert session().state == "on_call"


def test_d10_what_is_typed_stays_while_the_call_ends(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    """By herself, or as the provider says so while she types."""
    other, lead = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    log_in(ana, campaign)
    step(ana, "call", number=lead.contact_points.get().value)
    callback = Disposition.objects.get(name="Callback").pk
    typed = {"disposition": callback, "note": "Spoke with", "call_back": "2031-01-01T10:00", "anyone": "on"}
    for name in ("ended", "here"):
        page = ana.post(reverse(f"desk-{name}"), {"lead": lead.public_id, **typed}, headers=HTMX).content.decode()
        assert "Wrap-up" in page
        assert ">\nSpoke with</textarea>" in page
        assert 'value="2031-01-01T10:00"' in page
        assert re.search(rf'name="disposition" value="{callback}"[^>]* checked', page)
        assert re.search(r'name="anyone"[^>]* checked', page)
    assert "Spoke with" not in step(ana, "here", lead=other.public_id, **typed)


def test_d10_what_is_said_of_a_lead_in_another_window_is_not_said_of_this_one(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    other, lead = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    log_in(ana, campaign)
    step(ana, "call", number=lead.contact_points.get().value)
    talked = Disposition.objects.get(name="Talked").pk
    assert "not where you are any more" in step(ana, "dispose", lead=other.public_id, disposition=talked)
    assert session().lead_id == lead.pk


def test_d9_who_saves_and_pauses_says_why(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    log_in(ana, campaign)
    page = step(ana, "call", number=lead.contact_points.get().value)
    assert re.findall(r'name="pause" value="(\w+)"', page.partition("What came of it?")[2]) == AgentSession.Pause.values
    talked = Disposition.objects.get(name="Talked").pk
    assert "Lunch" in step(ana, "dispose", lead=lead.public_id, disposition=talked, pause="lunch")
    assert (session().state, session().pause_reason) == ("paused", "lunch")


def test_d11_a_callback_at_a_time_at_which_nobody_may_call_is_refused_and_said_why(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    log_in(ana, campaign)
    step(ana, "call", number=lead.contact_points.get().value)
    callback = Disposition.objects.get(name="Callback").pk
    said = {"disposition": callback, "note": "Later", "call_back": "2020-01-01T10:00"}
    page = step(ana, "dispose", lead=lead.public_id, **said)
    assert "This is past already." in page
    assert "Later" in page
    assert session().state == "on_call"


def test_d16_where_the_provider_cannot_call_she_dials_herself(
    ana: Client, campaign: Campaign, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ProviderError("Twilio does not answer.")

    monkeypatch.setattr(desk, "place", fail)
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    log_in(ana, campaign)
    page = step(ana, "call", number=lead.contact_points.get().value)
    assert "Twilio does not answer. You can dial it on your own phone." in page
    assert session().state == "on_call"


def test_d9_the_heartbeat_says_nothing_while_nothing_changed(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    [lead] = make_leads(harbor.lakeside, 1)
    log_in(ana, campaign)
    seen = f"preview {session().state_at.isoformat()}"
    here, long_ago = reverse("desk-here"), datetime(2026, 1, 1, tzinfo=UTC)
    AgentSession.objects.update(heartbeat_at=long_ago)
    assert ana.post(here, {"seen": seen}, headers=HTMX).status_code == 204
    assert session().heartbeat_at > long_ago
    Lead.objects.filter(pk=lead.pk).update(do_not_call=True)
    answer = ana.post(here, {"seen": seen}, headers=HTMX).content.decode()
    assert "No lead is waiting for you" in answer
    assert "The lead before you is gone" in answer
    assert 'hx-swap-oob="innerHTML:#desk-status">Ready</div>' in answer
    AgentSession.objects.update(ended_at=long_ago)
    assert "Log in to Autumn" in ana.post(here, {"seen": seen}, headers=HTMX).content.decode()


def test_d9_the_page_asks_quietly_for_the_next_lead(ana: Client, campaign: Campaign, harbor: Brokerage) -> None:
    step(ana, "join", campaign.pk)
    asked = {"quietly": "1"}
    assert ana.post(reverse("desk-next"), asked, headers=HTMX).status_code == 204
    [lead] = make_leads(harbor.lakeside, 1)
    load(campaign.pk)
    answer = ana.post(reverse("desk-next"), asked, headers=HTMX).content.decode()
    assert lead.first_name in answer
    assert "<html" not in answer


def test_d9_in_place_of_a_lead_that_is_taken_away_comes_the_next(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    first, second = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    log_in(ana, campaign)
    had, other = (first, second) if session().lead_id == first.pk else (second, first)
    seen = f"preview {session().state_at.isoformat()}"
    Lead.objects.filter(pk=had.pk).update(do_not_call=True)
    answer = ana.post(reverse("desk-here"), {"seen": seen}, headers=HTMX).content.decode()
    assert "The lead before you is gone" in answer
    assert f'#desk-status">Preview: {other.name}</div>' in answer


def test_d9_a_stopped_campaign_says_so(ana: Client, campaign: Campaign) -> None:
    step(ana, "join", campaign.pk)
    Campaign.objects.update(active=False)
    assert "The campaign was stopped" in step(ana, "next")


def test_d9_only_ones_own_campaigns_can_be_joined(ana: Client, harbor: Brokerage) -> None:
    elsewhere = make_campaign(harbor.harborfront)
    assert ana.post(reverse("desk-join", args=[elsewhere.pk])).status_code == 404
    assert "No campaign to join" in ana.get(reverse("desk")).content.decode()


@pytest.mark.parametrize("name", ["leave", "here", "next", "skip", "call", "ended", "dispose", "pause", "resume"])
def test_d9_steps_are_posted(ana: Client, name: str) -> None:
    assert ana.get(reverse(f"desk-{name}")).status_code == 405


def test_d9_the_desk_asks_no_more_of_the_database_for_a_longer_story(
    ana: Client, campaign: Campaign, harbor: Brokerage
) -> None:
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    log_in(ana, campaign)
    lead.activities.create(company=harbor.company, kind="note", actor=harbor.ana, body="First")
    with shapes_asked() as before:
        ana.get(reverse("desk"))
    make_leads(harbor.lakeside, 30, agent=harbor.ana)
    for n in range(12):
        lead.activities.create(company=harbor.company, kind="note", actor=harbor.ana, body=f"{n}")
    lead.contact_points.create(company=harbor.company, kind="phone", value="+16025559999", position=1)
    with shapes_asked() as after:
        ana.get(reverse("desk"))
    assert len(after) <= len(before)
