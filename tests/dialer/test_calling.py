"""Why a lead cannot be called now, and when it can (D15); what it said of calls and texts (D14)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from dialer.models import CallAttempt, Dialing
from dialer.services.do_not_call import add_numbers
from dialer.services.gates import permit
from dialer.services.sessions import log_in
from leads.models import Activity, Consent
from leads.services.consenting import record_consent
from leads.services.erasing import erase
from permissions.keyring import load_keyring
from tests.dialer.test_gates import NEW_YORK, NIGHT, NOON, PHOENIX
from tests.factories.campaigns import make_campaign
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def read(client: Client, lead: Any, now: datetime = NOON, **headers: str) -> str:
    with time_machine.travel(now, tick=False):
        return client.get(f"/dialer/lead/{lead.public_id}/", headers=headers).content.decode()


def test_d15_each_number_says_whether_it_may_be_called(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX, NEW_YORK])
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[NEW_YORK], reason="")
    client.force_login(harbor.ana)
    html = read(client, lead)
    assert "12:00 PM (MST) there" in html
    assert html.count('name="number" value="+1') == 1
    assert "do-not-call list" in html


def test_d15_a_shut_gate_says_when_it_opens(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    client.force_login(harbor.ana)
    html = read(client, lead, NIGHT, **FRAGMENT)
    assert "It is 1:00 AM (MST) there, outside calling hours." in html
    assert "It can be called from Tuesday 8:00 AM (MST) there." in html
    assert "<html" not in html


def test_d15_where_zones_disagree_it_is_said_by_which_clock_it_opens(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana, phones=[PHOENIX], postal_code="10001")
    log_in(user=harbor.ana, campaign=make_campaign(harbor.lakeside))
    client.force_login(harbor.ana)
    html = read(client, lead, NIGHT)
    assert "It is 3:00 AM (EST) or 1:00 AM (MST) there, outside calling hours." in html
    assert "It can be called from Tuesday 10:00 AM (EST) there." in html
    with time_machine.travel(NIGHT, tick=False):
        html = client.get(f"/dialer/lead/{lead.public_id}/dialing/").content.decode()
    assert "It can be dialed from Tuesday 10:00 AM (EST) its own time." in html


def test_d15_a_gate_that_waiting_does_not_open_names_no_time(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX], do_not_call=True)
    client.force_login(harbor.ana)
    html = read(client, lead, NIGHT)
    assert "marked do not call" in html
    assert "It can be called from" not in html


def test_d15_where_nothing_says_where_it_is_said_so(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=["+18005550100"])
    client.force_login(harbor.ana)
    assert "nothing says where" in read(client, lead)


def test_d15_a_lead_without_a_number(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(harbor.ana)
    assert "There is no number to call yet" in read(client, lead)


def test_d15_the_lead_page_asks_for_it(client: Client, harbor: Brokerage) -> None:
    with_phone, without = make_lead(harbor.ana, phones=[PHOENIX]), make_lead(harbor.ana)
    client.force_login(harbor.ana)
    path = f"/dialer/lead/{with_phone.public_id}/"
    assert path in client.get(f"/people/{with_phone.public_id}/").content.decode()
    assert "/dialer/lead/" not in client.get(f"/people/{without.public_id}/").content.decode()


def test_d14_consent_is_recorded_with_its_words(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    client.force_login(harbor.ana)
    path = f"/dialer/lead/{lead.public_id}/consent/"
    assert client.post(path, {"said": "text-yes", "words": "yes, text me"}).status_code == 302
    html = client.post(path, {"said": "call-no", "words": ""}, headers=FRAGMENT).content.decode()
    assert "Texts: agreed" in html
    assert "Calls: opted out" in html
    page = client.get(f"/people/{lead.public_id}/").content.decode()
    assert "No calls" in page
    assert "No texts" not in page
    assert "opted out of calls" in html
    rows = Consent.objects.order_by("pk").values_list("kind", "given", "words", "recorded_by")
    assert list(rows) == [("text", True, "yes, text me", harbor.ana.pk), ("call", False, "", harbor.ana.pk)]
    notes = Activity.objects.filter(lead=lead, kind="system").order_by("pk").values_list("body", flat=True)
    assert list(notes) == ["Consent to texts recorded: yes, text me", "Opted out of calls"]
    assert client.post(path, {"said": "nonsense"}).status_code == 422
    assert client.get(path).status_code == 405


def test_d14_a_lead_is_marked_do_not_call(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    client.force_login(harbor.ana)
    path = f"/dialer/lead/{lead.public_id}/do-not-call/"
    assert "marked do not call" in client.post(path, {"on": "1"}, headers=FRAGMENT).content.decode()
    client.post(path, {"on": "1"})
    lead.refresh_from_db()
    assert lead.do_not_call
    client.post(path, {"on": "0"})
    lead.refresh_from_db()
    assert not lead.do_not_call
    assert Activity.objects.filter(lead=lead).count() == 2


def test_v3_what_is_not_hers_to_see_does_not_exist(client: Client, harbor: Brokerage) -> None:
    lead, hidden = make_lead(harbor.ana, phones=[PHOENIX]), make_lead(harbor.ana, phones=[PHOENIX], hidden=True)
    for user, found in ((harbor.eve, lead), (stranger(), lead), (harbor.lead, hidden)):
        client.force_login(user)
        for path in ("", "consent/", "do-not-call/"):
            url = f"/dialer/lead/{found.public_id}/{path}"
            assert (client.post(url, {"said": "call-no"}) if path else client.get(url)).status_code == 404


def test_v2_who_only_reads_it_records_nothing(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    client.force_login(harbor.lead)
    assert "Record it" not in read(client, lead)
    for path in ("consent/", "do-not-call/"):
        assert client.post(f"/dialer/lead/{lead.public_id}/{path}", {"said": "call-no"}).status_code == 403
    assert not Consent.objects.exists()


def test_d15_many_numbers_are_few_questions(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    lead = make_lead(harbor.ana, phones=[f"602555{1000 + n}" for n in range(12)])
    client.force_login(harbor.ana)
    with django_assert_max_num_queries(22):
        client.get(f"/dialer/lead/{lead.public_id}/", headers=FRAGMENT)


def test_m9_erasing_takes_the_number_out_of_the_records_and_the_words_out_of_consent(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    record_consent(
        keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, kind="text", given=True, words="Maya said so"
    )
    permit(lead=lead, user=harbor.ana, campaign=None, number=PHOENIX, now=NOON)
    erase(actor=harbor.broker, kind="phone", value=PHOENIX)
    record = CallAttempt.objects.get()
    assert (record.number, record.zones, record.allowed) == ("", ["America/Phoenix"], True)
    assert Consent.objects.get().words == ""
    assert not Dialing.objects.exists()
