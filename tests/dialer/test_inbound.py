"""Calls and texts that come in (D12): whose lead it is, whom they ring, and what becomes of those nobody answers."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User
from dialer.models import CallAttempt, InboundCall, PhoneAccount, PhoneNumber
from leads.models import Activity, Task
from tests.dialer.test_gates import PHOENIX
from tests.dialer.twilio_service import AGENT, BENS, OURS, TwilioService, agreed, make_account, of_ana, press, says
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage


def ring_in(account: PhoneAccount, caller: str = PHOENIX, ref: str = "CA1") -> str:
    sent = {"To": OURS, "From": caller, "CallSid": ref}
    return str(says(f"/dialer/phone/{account.public_id}/voice/", sent).content.decode())


def rings(html: str) -> list[str]:
    return re.findall(r"<Number[^>]*>(\+\d+)</Number>", html)


def test_d12_a_call_rings_the_holder_and_is_on_the_timeline(harbor: Brokerage) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    assert rings(ring_in(account)) == [AGENT]
    call = InboundCall.objects.get()
    for path, sent in ((f"taken/{call.pk}/{harbor.ana.pk}", {}), (f"rung/{call.pk}", {"DialCallStatus": "completed"})):
        assert says(f"/dialer/phone/{account.public_id}/{path}/", sent).status_code in (200, 204)
    line = Activity.objects.get(lead=lead)
    assert (line.kind, line.direction, line.outcome, line.actor) == ("call", "in", "reached", harbor.ana)
    assert not Task.objects.exists()


def test_d12_a_missed_call_is_told_to_the_holder_with_a_callback_to_make(harbor: Brokerage) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    ring_in(account)
    call = InboundCall.objects.get()
    there = f"/dialer/phone/{account.public_id}"
    for _ in range(2):
        html = says(f"{there}/rung/{call.pk}/", {"DialCallStatus": "no-answer"}).content.decode()
        assert "<Record" in html
    assert Activity.objects.get(lead=lead).outcome == "no_answer"
    for _ in range(2):
        says(f"{there}/message/{call.pk}/", {"RecordingUrl": "https://api.example/RE1"})
    line = Activity.objects.get(lead=lead)
    assert (line.outcome, line.body) == ("voicemail", "Message: https://api.example/RE1")
    assert (Task.objects.get().kind, Task.objects.get().user) == ("callback", harbor.ana)
    assert Notification.objects.filter(kind="call").get().user == harbor.ana


def test_d12_an_absent_holders_lead_rings_nobody_else(harbor: Brokerage) -> None:
    account = make_account(harbor, when_unknown="queue")
    of_ana(harbor)
    User.objects.filter(pk=harbor.ana.pk).update(available=False)
    html = ring_in(account)
    assert rings(html) == []
    assert "<Record" in html
    assert Task.objects.get().user == harbor.ana


def test_d12_another_agent_is_rung_only_where_that_is_on(harbor: Brokerage) -> None:
    account = make_account(harbor, route_unavailable=True, when_away="person", away_person=harbor.ben)
    of_ana(harbor)
    User.objects.filter(pk=harbor.ana.pk).update(out_of_office_until=timezone.now() + timedelta(days=1))
    assert rings(ring_in(account)) == [BENS]
    PhoneNumber.objects.update(route_unavailable=False, when_away="voicemail", away_person=None)
    assert rings(ring_in(account, ref="CA2")) == []


def test_d12_unknown_callers_go_where_the_number_says(harbor: Brokerage) -> None:
    account = make_account(harbor, when_unknown="person", unknown_person=harbor.ben)
    assert rings(ring_in(account, "+13035550100")) == [BENS]
    number = PhoneNumber.objects.get()
    number.when_unknown, number.unit, number.unknown_person = "queue", harbor.lakeside, None
    number.save()
    assert set(rings(ring_in(account, "+13035550100", "CA2"))) == {AGENT, BENS}
    number.when_unknown = "voicemail"
    number.save()
    assert rings(ring_in(account, "+13035550100", "CA3")) == []
    assert InboundCall.objects.filter(lead=None).count() == 3


def test_d12_of_several_leads_the_held_one_calls_then_the_last_in_touch(harbor: Brokerage) -> None:
    account, now = make_account(harbor), timezone.now()
    free = make_lead(harbor.lakeside, phones=[PHOENIX], last_contact_at=now)
    old = make_lead(harbor.lakeside, agent=harbor.ben, phones=[PHOENIX], last_contact_at=now - timedelta(days=9))
    make_lead(brokerage().ana, phones=[PHOENIX], last_contact_at=now)
    ring_in(account)
    lately = of_ana(harbor, last_contact_at=now - timedelta(days=1))
    ring_in(account, ref="CA2")
    found = InboundCall.objects.order_by("pk").values_list("lead", flat=True)
    assert list(found) == [old.pk, lately.pk]
    assert free.pk not in found


def test_d12_a_call_told_twice_is_one_call(harbor: Brokerage) -> None:
    account = make_account(harbor)
    of_ana(harbor)
    assert ring_in(account) == ring_in(account)
    assert InboundCall.objects.count() == 1


def test_d12_texts_come_in_and_stop_is_an_opt_out(client: Client, harbor: Brokerage, twilio: TwilioService) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    agreed(lead)
    path = f"/dialer/phone/{account.public_id}/text/"
    for body in ("Is it still for sale?", " Stop. "):
        assert says(path, {"To": OURS, "From": PHOENIX, "Body": body}).status_code == 200
    lines = Activity.objects.filter(lead=lead, kind="text").order_by("pk")
    assert [(line.direction, line.body) for line in lines] == [("in", "Is it still for sale?"), ("in", " Stop. ")]
    assert Notification.objects.filter(kind="text", user=harbor.ana).count() == 2
    assert press(client, harbor.ana, lead, "text", body="But").status_code == 409
    assert CallAttempt.objects.get().refused_by == "opted_out"
    says(path, {"To": OURS, "From": PHOENIX, "Body": "START"})
    assert press(client, harbor.ana, lead, "text", body="Hello").status_code == 302


def test_d12_a_number_that_is_not_ours_is_not_found(harbor: Brokerage) -> None:
    account = make_account(harbor)
    sent = {"To": "+19995550100", "From": PHOENIX, "CallSid": "CA1"}
    assert says(f"/dialer/phone/{account.public_id}/voice/", sent).status_code == 404


def test_d12_a_nul_byte_loses_neither_a_call_nor_a_text(harbor: Brokerage) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    there = f"/dialer/phone/{account.public_id}"
    assert says(f"{there}/text/", {"To": OURS, "From": PHOENIX, "Body": "Still\x00 for sale?"}).status_code == 200
    assert Activity.objects.get(lead=lead, kind="text").body == "Still for sale?"
    for ref, caller in (("CA1\x00", "\x00"), ("CA2", f"{PHOENIX}\x00")):
        sent = {"To": f"{OURS}\x00", "From": caller, "CallSid": ref}
        assert says(f"{there}/voice/", sent).status_code == 200
    unknown, known = InboundCall.objects.order_by("pk")
    assert (unknown.provider_ref, unknown.lead, known.lead) == ("CA1", None, lead)
    assert says(f"{there}/taken/{known.pk}/{harbor.ana.pk}/", {"CallSid": "\x00"}).status_code == 204
    assert says(f"{there}/rung/{unknown.pk}/", {"DialCallStatus": "no-\x00answer"}).status_code == 200
    assert says(f"{there}/message/{unknown.pk}/", {"RecordingUrl": "https://api.example/\x00RE1"}).status_code == 200
    unknown.refresh_from_db()
    assert unknown.recording == "https://api.example/RE1"


def test_d16_how_a_text_went_is_heard_with_a_nul_byte(client: Client, harbor: Brokerage, twilio: TwilioService) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    agreed(lead)
    press(client, harbor.ana, lead, "text", body="Hello")
    press(client, harbor.ana, lead)
    called, texted = CallAttempt.objects.order_by("kind")
    there = f"/dialer/phone/{account.public_id}"
    assert says(f"{there}/text-status/{texted.pk}/", {"MessageStatus": "deliver\x00ed"}).status_code == 204
    assert says(f"{there}/bridged/{called.pk}/", {"DialCallStatus": "\x00completed"}).status_code == 200
    assert says(f"{there}/status/{called.pk}/", {"CallStatus": "\x00"}).status_code == 204
    assert list(CallAttempt.objects.order_by("kind").values_list("status", flat=True)) == ["completed", "delivered"]


def test_d14_stop_counts_for_every_lead_with_the_number(harbor: Brokerage) -> None:
    account, lead = make_account(harbor), of_ana(harbor)
    twin, other = (make_lead(harbor.lakeside, phones=[number]) for number in (PHOENIX, "+13035550100"))
    for body in ("STOP", "start", "stop"):
        says(f"/dialer/phone/{account.public_id}/text/", {"To": OURS, "From": PHOENIX, "Body": body})
    for one in (lead, twin):
        assert [said.given for said in one.consents.filter(kind="text").order_by("pk")][-3:] == [False, True, False]
    assert not other.consents.exists()


def test_d12_calls_of_two_companies_are_two_whatever_their_ids(harbor: Brokerage) -> None:
    account, theirs = make_account(harbor), make_account(brokerage())
    for one in (account, theirs):
        ring_in(one, ref="CA" + "1" * 200)
    assert set(InboundCall.objects.order_by("pk").values_list("company", flat=True)) == {
        account.company_id,
        theirs.company_id,
    }
