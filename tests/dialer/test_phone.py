"""Calls and texts by the gates and the provider (L4, D16), callbacks (D11)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User
from dialer.models import AgentSession, CallAttempt, PhoneAccount, PhoneNumber
from dialer.services.callbacks import NotThenError, promise
from dialer.services.calling import WAY_OUT, place
from dialer.services.do_not_call import add_numbers
from dialer.services.gates import permit
from dialer.services.loading import load
from dialer.services.on_call import dial
from dialer.services.serving import next_lead
from leads.models import Activity, Consent, Lead, Task
from leads.services.sharing import share_lead
from permissions.keyring import load_keyring
from tests.dialer.hoppers import at_work
from tests.dialer.test_gates import NEW_YORK, NIGHT, PHOENIX
from tests.dialer.twilio_service import (
    AGENT,
    OURS,
    SID,
    TOKEN,
    TwilioService,
    agreed,
    make_account,
    of_ana,
    press,
    says,
)
from tests.factories.campaigns import make_campaign
from tests.factories.leads import make_lead, offer
from tests.factories.scenes import Brokerage, brokerage, stranger

# --- one's own phone --------------------------------------------------------------------------------------------------


def test_d16_without_a_provider_a_link_opens_ones_own_phone_and_the_call_is_logged(
    client: Client, harbor: Brokerage
) -> None:
    lead = of_ana(harbor)
    html = press(client, harbor.ana, lead).content.decode()
    assert f'href="tel:{PHOENIX}"' in html
    attempt = CallAttempt.objects.get()
    assert (attempt.allowed, attempt.provider, attempt.user, attempt.activity_id) == (True, "link", harbor.ana, None)
    assert not Activity.objects.filter(lead=lead).exists()

    path = f"/dialer/lead/{lead.public_id}/call/{attempt.pk}/"
    assert client.post(path, {"outcome": "", "body": "x"}).status_code == 422
    assert client.post(path, {"outcome": "reached", "body": "Likes it"})["Location"] == f"/people/{lead.public_id}/"
    made = Activity.objects.get(lead=lead)
    assert (made.kind, made.direction, made.outcome, made.body) == ("call", "out", "reached", "Likes it")
    attempt.refresh_from_db()
    assert (attempt.activity_id, attempt.status) == (made.pk, "logged")
    assert client.post(path, {"outcome": "reached"}).status_code == 403
    assert client.get(path).status_code == 405


def test_d14_a_shut_gate_stops_the_call_and_leaves_a_record(client: Client, harbor: Brokerage) -> None:
    lead = of_ana(harbor)
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[PHOENIX], reason="")
    response = press(client, harbor.ana, lead)
    assert response.status_code == 409
    assert "Not called: on the do-not-call list." in response.content.decode()
    assert "tel:" not in response.content.decode()
    assert CallAttempt.objects.get().refused_by == "listed"
    assert press(client, harbor.ana, lead, number=NEW_YORK).status_code == 422


def test_v2_who_may_call(client: Client, harbor: Brokerage) -> None:
    lead, hidden = of_ana(harbor), of_ana(harbor, hidden=True)
    agreed(lead)
    assert press(client, harbor.lead, lead).status_code == 200  # by rule h
    assert press(client, harbor.lead, hidden).status_code == 404
    seen = make_lead(harbor.lakeside, phones=[PHOENIX])
    for user, status in ((harbor.eve, 404), (stranger(), 404)):
        for what in ("call", "text", "callback"):
            assert press(client, user, seen, what, body="x").status_code == status
    attempt = CallAttempt.objects.get()
    client.force_login(harbor.ana)
    assert client.post(f"/dialer/lead/{lead.public_id}/call/{attempt.pk}/", {"outcome": "busy"}).status_code == 404


def test_l4_a_text_from_ones_own_phone_is_logged_with_its_words(client: Client, harbor: Brokerage) -> None:
    lead = of_ana(harbor)
    assert press(client, harbor.ana, lead, "text", body="Hello").status_code == 409  # no consent
    agreed(lead)
    html = press(client, harbor.ana, lead, "text", body="Hello").content.decode()
    assert f'href="sms:{PHOENIX}"' in html
    attempt = CallAttempt.objects.filter(refused_by="").get()
    client.post(f"/dialer/lead/{lead.public_id}/call/{attempt.pk}/", {"body": "Hello"})
    made = Activity.objects.get(lead=lead)
    assert (made.kind, made.direction, made.outcome, made.body) == ("text", "out", "", "Hello")


# --- Twilio: out ------------------------------------------------------------------------------------------------------


def test_d16_click_to_call_bridges_agent_and_lead(client: Client, harbor: Brokerage, twilio: TwilioService) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    response = press(client, harbor.ana, lead)
    assert response.status_code == 302
    ((what, asked),) = twilio.asked
    attempt = CallAttempt.objects.get()
    there = f"/dialer/phone/{account.public_id}"
    assert (what, asked["To"], asked["From"]) == ("Calls.json", AGENT, OURS)
    assert asked["Url"].endswith(f"{there}/bridge/{attempt.pk}/")
    line = Activity.objects.get(lead=lead)
    assert (line.kind, line.direction, line.outcome, line.actor) == ("call", "out", "", harbor.ana)
    assert (attempt.provider, attempt.activity_id) == ("twilio", line.pk)
    assert attempt.provider_ref.startswith("CA")

    said = says(f"{there}/bridge/{attempt.pk}/", {"CallSid": attempt.provider_ref})
    assert re.search(rf'<Dial[^>]*callerId="{re.escape(OURS)}"', said.content.decode())
    assert f"<Number>{PHOENIX}</Number>" in said.content.decode()
    for _ in range(2):
        says(f"{there}/bridged/{attempt.pk}/", {"DialCallStatus": "completed"})
    says(f"{there}/status/{attempt.pk}/", {"CallStatus": "completed"})
    line.refresh_from_db()
    attempt.refresh_from_db()
    assert (line.outcome, attempt.status) == ("reached", "completed")
    assert attempt.answered_at
    assert attempt.ended_at
    lead.refresh_from_db()
    assert (lead.attempts, lead.last_outcome) == (1, "reached")
    assert "<Hangup" in says(f"{there}/bridge/{attempt.pk}/", {}).content.decode()  # it is over


@pytest.mark.parametrize(
    ("path", "sent", "outcome", "body"),
    [
        ("bridged", {"DialCallStatus": "busy"}, "busy", ""),
        ("bridged", {"DialCallStatus": "no-answer"}, "no_answer", ""),
        ("status", {"CallStatus": "no-answer"}, "", "The lead was not rung: the agent’s own phone did not answer."),
    ],
)
def test_d16_how_a_call_went_is_on_the_timeline(
    client: Client,
    harbor: Brokerage,
    twilio: TwilioService,
    path: str,
    sent: dict[str, str],
    outcome: str,
    body: str,
) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    press(client, harbor.ana, lead)
    attempt = CallAttempt.objects.get()
    assert says(f"/dialer/phone/{account.public_id}/{path}/{attempt.pk}/", sent).status_code in (200, 204)
    line = Activity.objects.get(lead=lead)
    assert (line.outcome, line.body) == (outcome, body)


@pytest.mark.parametrize(("path", "status"), [("bridged", "DialCallStatus"), ("status", "CallStatus")])
def test_d9_wrap_up_begins_as_the_provider_says_that_the_call_is_over(
    harbor: Brokerage, twilio: TwilioService, path: str, status: str
) -> None:
    account, lead = make_account(harbor), make_lead(harbor.lakeside, agent=harbor.ana, phones=[PHOENIX])
    campaign = make_campaign(harbor.lakeside)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert next_lead(session) == lead.pk
    first = dial(session=session, number=PHOENIX)
    place(actor=harbor.ana, attempt=first)
    there = f"/dialer/phone/{account.public_id}/{path}/{{}}/"
    for _ in range(2):
        says(there.format(first.pk), {status: "completed"})
        session.refresh_from_db()
        assert (session.state, session.lead_id) == ("wrap_up", lead.pk)
    again = permit(lead=lead, user=harbor.ana, campaign=None, number=PHOENIX)
    place(actor=harbor.ana, attempt=again)
    AgentSession.objects.update(state="on_call")
    says(there.format(again.pk), {status: "completed"})  # a call from the lead's page is not the one of the desk
    session.refresh_from_db()
    assert session.state == "on_call"


def test_l4_a_text_is_sent_with_the_way_out_the_first_time(
    client: Client, harbor: Brokerage, twilio: TwilioService
) -> None:
    make_account(harbor)
    lead = of_ana(harbor)
    agreed(lead)
    for body in ("Hello Maya", "Me again"):
        assert press(client, harbor.ana, lead, "text", body=body).status_code == 302
    bodies = [asked["Body"] for what, asked in twilio.asked if what == "Messages.json"]
    assert bodies == ["Hello Maya\nReply STOP to opt out.", "Me again"]


def lines(lead: Lead) -> list[tuple[str, str]]:
    return list(Activity.objects.filter(lead=lead).order_by("pk").values_list("body", "outcome"))


def again(client: Client, lead: Lead, line: Activity) -> Any:
    return client.post(f"/dialer/lead/{lead.public_id}/text/{line.pk}/again/", follow=True)


def test_l4_a_text_that_does_not_arrive_is_on_the_timeline_and_sent_again_once(
    client: Client, harbor: Brokerage, twilio: TwilioService
) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    agreed(lead)
    press(client, harbor.ana, lead, "text", body="Hello Maya")
    body, path = f"Hello Maya\n{WAY_OUT}", f"/dialer/phone/{account.public_id}/text-status/{{}}/"
    for _ in range(2):
        says(path.format(CallAttempt.objects.get().pk), {"MessageStatus": "undelivered"})
    assert lines(lead) == [(body, "undelivered")]
    told = Notification.objects.get()
    assert (told.user, told.lead_id, told.title) == (harbor.ana, lead.pk, "A text to {lead} was not delivered")

    page = client.get(f"/people/{lead.public_id}/").content.decode()
    assert "sent a text: not delivered" in page
    line = Activity.objects.get()
    assert f"/dialer/lead/{lead.public_id}/text/{line.pk}/again/" in page
    assert "The text is sent." in again(client, lead, line).content.decode()
    assert "It was sent again already." in again(client, lead, line).content.decode()
    assert lines(lead) == [(body, "resent"), (body, "")]
    assert [asked["Body"] for _, asked in twilio.asked] == [body, body]
    assert "Send again" not in client.get(f"/people/{lead.public_id}/").content.decode()


def test_l4_a_text_is_not_sent_again_past_a_gate_nor_by_who_may_not(
    client: Client, harbor: Brokerage, twilio: TwilioService
) -> None:
    make_account(harbor)
    lead = make_lead(harbor.lakeside, agent=harbor.ana, phones=[PHOENIX])
    agreed(lead)
    twilio.refuses = (400, "Not now.")
    press(client, harbor.ana, lead, "text", body="Hello")
    twilio.refuses = None
    line = Activity.objects.get(lead=lead)
    Consent.objects.create(company=lead.company, lead=lead, kind="text", given=False)
    answer = again(client, lead, line)
    assert answer.status_code == 409
    assert "Not sent: opted out." in answer.content.decode()
    assert lines(lead) == [(f"Hello\n{WAY_OUT}", "undelivered")]
    assert client.get(f"/dialer/lead/{lead.public_id}/text/{line.pk}/again/").status_code == 405
    share_lead(keyring=load_keyring(harbor.broker), actor=harbor.broker, lead=lead, user=harbor.dee, verb="view_lead")
    for user, status in ((harbor.eve, 404), (stranger(), 404), (harbor.dee, 403)):
        client.force_login(user)
        assert again(client, lead, line).status_code == status
    other = of_ana(harbor)
    client.force_login(harbor.ana)
    assert again(client, other, line).status_code == 404


def test_l4_a_call_that_the_provider_refuses_is_said(client: Client, harbor: Brokerage, twilio: TwilioService) -> None:
    make_account(harbor)
    lead = of_ana(harbor)
    twilio.refuses = (400, "The 'To' number is not a valid phone number.")
    response = press(client, harbor.ana, lead)
    assert response.status_code == 409
    html = response.content.decode()
    assert "Twilio did not take it" in html
    assert "number is not a valid phone number.<" in html
    assert not Activity.objects.filter(lead=lead).exists()
    twilio.refuses = None
    assert press(client, harbor.ana, lead).status_code == 302


def test_l4_a_text_that_the_provider_refuses_is_kept_to_be_sent_again(
    client: Client, harbor: Brokerage, twilio: TwilioService
) -> None:
    make_account(harbor)
    lead = make_lead(harbor.lakeside, agent=harbor.ana, phones=[PHOENIX])
    agreed(lead)
    offered = offer(lead, harbor.ana)
    for refusal in (400, 503):
        twilio.refuses = (refusal, "Not now.")
        response = press(client, harbor.ana, lead, "text", body="Hello")
        assert response.status_code == 409
        assert "Your text is kept on the timeline" in response.content.decode()
    first, second = Activity.objects.filter(lead=lead, kind="text").order_by("pk")
    assert [line.body for line in (first, second)] == [f"Hello\n{WAY_OUT}"] * 2  # none has told the way out yet
    offered.refresh_from_db()
    assert offered.state == "open"  # what did not go out claims nothing
    assert again(client, lead, first).status_code == 409
    assert Activity.objects.filter(lead=lead, outcome="undelivered").count() == 2
    twilio.refuses = None
    assert again(client, lead, second).status_code == 200
    offered.refresh_from_db()
    assert offered.state == "claimed"


def test_d16_a_provider_that_cannot_be_reached_is_said(client: Client, harbor: Brokerage, settings: Any) -> None:
    settings.TWILIO_API = "http://127.0.0.1:9"
    make_account(harbor)
    assert "it cannot be reached.<" in press(client, harbor.ana, of_ana(harbor)).content.decode()


def test_d16_what_is_missing_is_said(client: Client, harbor: Brokerage, twilio: TwilioService) -> None:
    make_account(harbor)
    lead = of_ana(harbor)
    User.objects.filter(pk=harbor.ana.pk).update(phone="")
    assert "Say your own phone number" in press(client, harbor.ana, lead).content.decode()
    User.objects.filter(pk=harbor.ana.pk).update(phone=AGENT)
    PhoneNumber.objects.update(active=False)
    assert "no number to call from" in press(client, harbor.ana, lead).content.decode()
    assert twilio.asked == []


def test_d16_only_what_twilio_signed_is_heard(client: Client, harbor: Brokerage, twilio: TwilioService) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    press(client, harbor.ana, lead)
    attempt = CallAttempt.objects.get()
    path, sent = f"/dialer/phone/{account.public_id}/bridged/{attempt.pk}/", {"DialCallStatus": "completed"}
    assert says(path, sent, token="wrong").status_code == 403
    assert says(path, sent, at="https://elsewhere.example/").status_code == 403
    assert Client().post(path, sent).status_code == 403
    assert says(path.replace(account.public_id, "nobodyatall0"), sent).status_code == 403
    assert Client().get(path).status_code == 405
    assert Activity.objects.get(lead=lead).outcome == ""
    another = brokerage()
    PhoneAccount.objects.filter(pk=account.pk).update(company=another.company)
    assert says(path, sent).status_code == 404


# --- callbacks --------------------------------------------------------------------------------------------------------


def test_d11_a_callback_is_promised_by_their_clock(client: Client, harbor: Brokerage) -> None:
    lead = of_ana(harbor)
    response = press(client, harbor.ana, lead, "callback", at="2026-11-24T09:30", clock="theirs", who="me")
    assert response["Location"] == f"/people/{lead.public_id}/"
    task = Task.objects.get()
    assert (task.kind, task.user, task.time_zone) == ("callback", harbor.ana, "America/Phoenix")
    assert task.due_at.isoformat() == "2026-11-24T16:30:00+00:00"
    assert task.remind_at == task.due_at


def test_d11_a_callback_may_be_anyones(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben, phones=[PHOENIX])
    press(client, harbor.ben, lead, "callback", at="2026-11-24T13:00", clock="mine", who="anyone")
    task = Task.objects.get()
    assert (task.user, task.due_at.hour) == (None, 18)  # one in New York


def test_d11_a_callback_outside_hours_is_refused_with_the_next_opening(client: Client, harbor: Brokerage) -> None:
    lead = of_ana(harbor)
    response = press(client, harbor.ana, lead, "callback", at="2026-11-24T23:00", clock="theirs", who="me")
    assert response.status_code == 422
    assert "The lead may not be called then. It may be from Wednesday 8:00 AM (MST) there." in response.content.decode()
    with pytest.raises(NotThenError, match="past"):
        promise(actor=harbor.ana, lead=lead, number=PHOENIX, at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(NotThenError) as refused:
        promise(actor=harbor.ana, lead=lead, number=PHOENIX, at=NIGHT)
    assert refused.value.opens
    assert not Task.objects.exists()


# --- the admin --------------------------------------------------------------------------------------------------------


def test_d16_the_token_is_written_and_never_shown(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    add = "/admin/dialer/phoneaccount/add/"
    assert client.post(add, {"account_sid": "nonsense", "auth_token": TOKEN, "active": "on"}).status_code == 422
    assert client.post(add, {"account_sid": SID, "auth_token": TOKEN, "active": "on"}).status_code == 302
    made = PhoneAccount.objects.get()
    path = f"/admin/dialer/phoneaccount/{made.pk}/change/"
    html = client.get(path).content.decode()
    assert TOKEN not in html
    assert f"/dialer/phone/{made.public_id}/voice/" in html
    seen = re.search(r'name="seen" value="([^"]+)"', html)
    assert seen
    assert client.post(path, {"account_sid": SID, "auth_token": "", "seen": seen[1]}).status_code == 302
    made.refresh_from_db()
    assert (made.auth_token, made.active) == (TOKEN, False)
    assert client.get(add).status_code == 403


def test_d12_a_number_says_where_calls_go(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    add, sent = "/admin/dialer/phonenumber/add/", {"number": "201 555 0100", "unit": harbor.north.pk, "active": "on"}
    usual = {"when_away": "voicemail", "when_unknown": "voicemail"}
    refused = client.post(add, sent | usual | {"when_unknown": "person"})
    assert "Say who is rung where nobody holds the lead." in refused.content.decode()
    refused = client.post(add, sent | usual | {"when_away": "person", "away_person": harbor.ben.pk})
    assert "only where ringing another agent is on" in refused.content.decode()
    assert client.post(add, sent | usual).status_code == 302
    assert PhoneNumber.objects.get().number == OURS
