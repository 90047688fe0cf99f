"""A person's webhooks: her page, one webhook with its log, and everybody's in the admin (I5)."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.core.tasks import Task
from crm.webhooks.models import TEST, Event, Webhook, WebhookDelivery
from crm.webhooks.services import MOST, NotOnError, TooManyError, add, send_test, switch_on
from leads.models import Lead
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.support.racing import together
from tests.support.sending import sending_of
from tests.webhooks.receiver import Receiver, tell

SENT = {"name": "Accounting", "url": "https://hooks.example/a?x=1", "events": ["lead.created", "lead.claimed"]}


def make(user: Any, **fields: Any) -> Webhook:
    return add(user=user, **{**SENT, **fields})


def log(webhook: Webhook, lead: Lead, **fields: Any) -> WebhookDelivery:
    number = webhook.deliveries.count() + 1
    values = {
        "kind": Event.CREATED,
        "event_id": number,
        "fact_id": number,
        "at": Now(),
        "state": "dead",
        "tries": 1,
    } | fields
    made = webhook.deliveries.create(lead=lead, **values)
    made.refresh_from_db()
    return made


def page(client: Client, webhook: Webhook, **asked: Any) -> str:
    return client.get(reverse("webhook", args=[webhook.pk]), asked).content.decode()


def act(client: Client, webhook: Webhook, do: str) -> str:
    there = reverse("webhook-act", args=[webhook.pk])
    return client.post(there, {"do": do}, follow=True).content.decode()


def test_i5_a_secret_is_shown_once(harbor: Brokerage, client: Client) -> None:
    client.force_login(harbor.ana)
    answer = client.post(reverse("webhooks"), SENT)
    found = re.search(r'value="whsec_([\w+/=]+)"', answer.content.decode())
    assert found
    assert len(b64decode(found[1])) == 32
    assert "no-store" in answer["Cache-Control"]
    webhook = Webhook.objects.get()
    assert (webhook.user, webhook.url, webhook.events) == (harbor.ana, SENT["url"], ["lead.claimed", "lead.created"])
    shown = page(client, webhook) + client.get(reverse("webhooks")).content.decode()
    assert "whsec_" not in shown
    assert "hooks.example/a?x=1" in shown
    fresh = client.post(reverse("webhook-secret", args=[webhook.pk])).content.decode()
    webhook.refresh_from_db()
    assert webhook.secret in fresh
    assert webhook.old_secret == f"whsec_{found[1]}"
    assert webhook.old_secret not in fresh


def test_i5_a_form_sent_again_makes_no_second_webhook_and_no_second_secret(harbor: Brokerage, client: Client) -> None:
    """As a double click or a reloaded page does."""
    there = reverse("webhooks")
    client.force_login(harbor.ana)
    once = {**SENT, "sent": sending_of(client.get(there).content.decode())}
    assert [client.post(there, data).status_code for data in ({**once, "name": ""}, once, once)] == [422, 200, 422]
    again = client.post(there, once).content.decode()
    assert "no other webhook was added" in again
    assert 'value="Accounting"' in again
    webhook = Webhook.objects.get()
    sent = {"sent": sending_of(page(client, webhook))}
    new = reverse("webhook-secret", args=[webhook.pk])
    assert "whsec_" in client.post(new, sent).content.decode()
    made = Webhook.objects.get().secret
    answer = client.post(new, sent, follow=True).content.decode()
    assert "no other secret was made" in answer
    assert "whsec_" not in answer
    assert Webhook.objects.get().secret == made


def test_i5_one_too_many_can_be_sent_again_once_there_is_room(harbor: Brokerage, client: Client) -> None:
    mine = [make(harbor.ana, name=f"Nr. {number}") for number in range(MOST)]
    there = reverse("webhooks")
    client.force_login(harbor.ana)
    sent = sending_of(client.get(there).content.decode())
    refused = client.post(there, {**SENT, "sent": sent}).content.decode()
    assert "Delete one first" in refused
    act(client, mine[0], "remove")
    assert client.post(there, {**SENT, "sent": sending_of(refused)}).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "required"),
        ({"name": "a\nb"}, "one line"),
        ({"events": []}, "required"),
        ({"events": ["lead.everything"]}, "Select a valid choice"),
        ({"url": "http://hooks.example/"}, "https://"),
        ({"url": "https://10.0.0.1/"}, "public internet"),
        ({"url": "https://localhost/"}, "public internet"),
        ({"url": "https://[::ffff:127.0.0.1]/"}, "public internet"),
        ({"url": "https://me:secret@hooks.example/"}, "without a name"),
        ({"url": "javascript:alert(1)"}, "https://"),
    ],
)
def test_i5_what_is_wrong_is_said_and_what_was_typed_is_kept(
    harbor: Brokerage, client: Client, wrong: dict[str, Any], said: str
) -> None:
    client.force_login(harbor.ana)
    for address in (reverse("webhooks"), reverse("webhook", args=[make(harbor.ana).pk])):
        answer = client.post(address, {**SENT, "name": "Typed", **wrong})
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert "Typed" in answer.content.decode() or "name" in wrong
    assert [one.name for one in Webhook.objects.order_by("pk")] == ["Accounting"]


def test_i5_a_person_has_ten_at_most(harbor: Brokerage, client: Client) -> None:
    for number in range(MOST):
        make(harbor.ana, name=f"Nr. {number}")
    client.force_login(harbor.ana)
    answer = client.post(reverse("webhooks"), SENT)
    assert (answer.status_code, Webhook.objects.count()) == (422, MOST)
    assert "Delete one first" in answer.content.decode()
    make(harbor.ben)
    act(client, Webhook.objects.filter(user=harbor.ana).order_by("pk")[0], "remove")
    assert client.post(reverse("webhooks"), SENT).status_code == 200


def test_i5_ten_at_most_though_two_windows_add_at_once(committing_db: str) -> None:
    ana = brokerage().ana

    def one_more() -> bool:
        try:
            return bool(make(ana))
        except TooManyError:
            return False

    for _ in range(MOST - 1):
        make(ana)
    assert sorted(together(*([one_more] * 4))) == [False, False, False, True]


def test_i5_nobody_elses_is_there(harbor: Brokerage, client: Client) -> None:
    webhook = make(harbor.ana)
    for other in (harbor.ben, harbor.lead, harbor.broker, stranger()):
        client.force_login(other)
        for name in ("webhook", "webhook-act", "webhook-secret"):
            assert client.post(reverse(name, args=[webhook.pk]), {**SENT, "do": "remove"}).status_code == 404
        assert client.get(reverse("webhook", args=[webhook.pk])).status_code == 404
    client.force_login(harbor.broker)
    client.post(reverse("view-as-begin", args=[harbor.ana.pk]))
    assert client.get(reverse("webhook", args=[webhook.pk])).status_code == 404
    assert "her own affair" in client.get(reverse("webhooks")).content.decode()
    assert Webhook.objects.get().secret == webhook.secret


def test_i5_the_log_shows_of_leads_what_she_may_see_now(harbor: Brokerage, client: Client) -> None:
    webhook = make(harbor.lead)
    seen = make_lead(harbor.lakeside, first_name="Maya", last_name="<b>Okafor</b>")
    hidden = make_lead(harbor.ana, first_name="Zoe", last_name="Quill", hidden=True)
    unseen = make_lead(harbor.eve, first_name="Xenia", last_name="Yates")
    rows = [log(webhook, one) for one in (seen, hidden, unseen)]
    client.force_login(harbor.lead)
    shown = page(client, webhook)
    assert "Maya &lt;b&gt;Okafor&lt;/b&gt;" in shown
    assert "Zoe" in shown
    for concealed in ("Quill", "Xenia", "Yates", hidden.public_id, unseen.public_id, str(rows[2].number)):
        assert concealed not in shown
    assert "2 on the way again" in act(client, webhook, "replay")
    there = [reverse("webhook-replay", args=[webhook.pk, one.number]) for one in rows]
    WebhookDelivery.objects.update(state="dead")
    assert [client.post(one).status_code for one in there] == [302, 302, 404]


def test_i5_the_log_is_filtered_and_paged(harbor: Brokerage, client: Client) -> None:
    webhook, lead = make(harbor.ana), make_lead(harbor.ana)
    for number in range(60):
        log(webhook, lead, state="dead" if number % 2 else "delivered", status=599 if number % 2 else 204)
    client.force_login(harbor.ana)
    first = page(client, webhook, state="dead")
    assert first.count(", answered 599") == 25
    assert "answered 204" not in first
    cursor = re.search(r"cursor=([\w=-]+)", first)
    assert cursor
    assert page(client, webhook, state="dead", cursor=cursor[1]).count(", answered 599") == 5
    assert "None in this state" in page(client, webhook, state="waiting")
    assert page(client, webhook, state="<script>").count(", answered") == 25


def test_i5_one_test_at_a_time_before_all_that_waits(
    there: Receiver, harbor: Brokerage, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Task, "_send", lambda self, args, kwargs: sent.append(self.name))
    webhook = there.hook(harbor.ana)
    client.force_login(harbor.ana)
    assert "A test is on its way" in act(client, webhook, "test")
    assert "already" in act(client, webhook, "test")
    with pytest.raises(IntegrityError), transaction.atomic():
        webhook.deliveries.create(kind=TEST, at=Now())
    tell()
    assert [one["type"] for one in there.told(webhook)] == ["test"]
    assert there.told(webhook)[0]["data"] == {"webhook": "Accounting"}
    there.status = 500
    act(client, webhook, "test")
    tell()
    assert WebhookDelivery.objects.filter(kind=TEST, state="dead").count() == 1
    webhook.refresh_from_db()
    assert (webhook.off, webhook.failing_since) == ("", None)
    assert "0 on the way again" in act(client, webhook, "replay")  # a test is no event


def test_i5_what_waits_says_until_when_and_is_sent_when_she_asks(harbor: Brokerage, client: Client) -> None:
    webhook, lead = make(harbor.ana), make_lead(harbor.ana)
    due, late = (log(webhook, lead, state="waiting", next_at=Now() + timedelta(hours=hours)) for hours in (-1, 2))
    rests = Now() + timedelta(hours=1)
    Webhook.objects.filter(pk=webhook.pk).update(failures=3, failing_since=Now(), rests_until=rests)
    client.force_login(harbor.ana)
    html = page(client, webhook)
    assert html.count("at the earliest") == 2
    assert "next in turn" not in html
    assert "goes out now" in act(client, webhook, "now")
    webhook.refresh_from_db()
    assert webhook.rests_until is None
    for one in (due, late):
        one.refresh_from_db()
        assert one.next_at <= timezone.now()
    assert page(client, webhook).count("next in turn") == 2
    client.force_login(harbor.ben)
    assert client.post(reverse("webhook-act", args=[webhook.pk]), {"do": "now"}).status_code == 404


def test_i5_off_and_on_again(harbor: Brokerage, client: Client) -> None:
    webhook = make(harbor.ana)
    client.force_login(harbor.ana)
    for _ in range(2):
        act(client, webhook, "off")
    webhook.refresh_from_db()
    assert webhook.off == "switched"
    with pytest.raises(NotOnError):
        send_test(webhook=webhook)
    for _ in range(2):
        assert "is on." in act(client, webhook, "on")
    webhook.refresh_from_db()
    assert webhook.off == ""
    act(client, webhook, "nonsense")


def test_i5_an_admin_sees_all_of_the_company_and_switches_off(harbor: Brokerage, client: Client) -> None:
    webhook, theirs = make(harbor.ana), make(stranger(), name="Theirs")
    client.force_login(harbor.broker)
    there = reverse("admin:webhooks_webhook_changelist")
    shown = (
        client.get(there).content.decode()
        + client.get(reverse("admin:webhooks_webhook_change", args=[webhook.pk])).content.decode()
    )
    assert "Accounting" in shown
    assert "hooks.example" in shown
    assert "Theirs" not in shown
    assert webhook.secret not in shown
    client.post(there, {"action": "switch_off", "_selected_action": [webhook.pk, theirs.pk]})
    webhook.refresh_from_db()
    theirs.refresh_from_db()
    assert (webhook.off, theirs.off) == ("admin", "")
    assert not switch_on(webhook=webhook)  # by her own hand it stays off
    client.force_login(harbor.ana)
    assert "admin of the company" in act(client, webhook, "on")
    client.force_login(harbor.broker)
    client.post(there, {"action": "switch_on", "_selected_action": [webhook.pk]})
    webhook.refresh_from_db()
    assert webhook.off == ""
    for other in (harbor.ana, harbor.lead):
        client.force_login(other)
        assert client.get(there).status_code == 403
