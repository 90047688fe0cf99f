"""How deliveries go: signed, tried again, given up, sent again; what their addresses answer (I5, reliability 9 and 14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from crm.notifications.models import Notification
from crm.webhooks import sending, services
from crm.webhooks.marking import PATIENT, WAITS
from crm.webhooks.models import Event, Webhook, WebhookDelivery
from crm.webhooks.sending import OF_ONE, alone, send_due
from crm.webhooks.services import new_secret_for, replay, switch_on
from crm.webhooks.spreading import spread_all
from crm.webhooks.tasks import forget_deliveries, tell_webhooks
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.support.racing import together
from tests.webhooks.receiver import Receiver, later, receiver, tell
from tests.webhooks.test_telling import created


@pytest.fixture
def hook(there: Receiver, harbor: Brokerage) -> Webhook:
    """Ana's, with one event waiting."""
    made = there.hook(harbor.ana, Event.CREATED)
    created(make_lead(harbor.ana))
    return made


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def of(webhook: Webhook) -> Webhook:
    return Webhook.objects.get(pk=webhook.pk)


# --- signed -----------------------------------------------------------------------------------------------------------


def test_i5_what_is_sent_is_signed_with_its_secret_alone(there: Receiver, hook: Webhook) -> None:
    tell()
    [message] = there.messages
    assert message.checked(hook.secret)
    assert message.id == only().message_id
    assert abs(int(message.headers["webhook-timestamp"]) - timezone.now().timestamp()) < 10
    for wrong in ("whsec_AAAA", "whsec_" + "B" * 44):
        with pytest.raises(WebhookVerificationError):
            message.checked(wrong)
    message.body += b" "
    with pytest.raises(WebhookVerificationError):
        message.checked(hook.secret)


def test_i5_for_a_day_both_secrets_sign(there: Receiver, hook: Webhook) -> None:
    fresh = new_secret_for(webhook=hook)
    tell()
    [message] = there.messages
    assert message.checked(hook.secret) == message.checked(fresh)
    Webhook.objects.update(old_until=Now() - timedelta(seconds=1))
    replay(webhook=hook, deliveries=WebhookDelivery.objects.all())
    tell()
    assert there.messages[1].checked(fresh)
    with pytest.raises(WebhookVerificationError):
        there.messages[1].checked(hook.secret)


# --- tried again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 404, 302, 429])
def test_i5_what_is_not_taken_is_tried_again_ever_later(there: Receiver, hook: Webhook, status: int) -> None:
    there.status, there.said = status, {"Location": f"{there.url}/inside"}
    tell()
    for number, wait in enumerate(WAITS, 1):
        one = only()
        assert (one.state, one.tries, one.status) == ("waiting", number, status)
        assert wait.total_seconds() - 5 < (one.next_at - timezone.now()).total_seconds() <= wait.total_seconds() * 1.1
        later()
        assert send_due() == 1
    assert (only().state, only().tries) == ("dead", len(WAITS) + 1)
    assert {one.id for one in there.messages} == {only().message_id}
    assert {one.path for one in there.messages} == {"/a"}  # no redirect was followed
    later()
    assert send_due() == 0


def test_i5_it_is_tried_again_no_sooner_than_it_is_asked(there: Receiver, hook: Webhook) -> None:
    there.status, there.said = 503, {"Retry-After": "3600"}
    tell()
    assert only().next_at > timezone.now() + timedelta(minutes=59)


def test_i5_what_was_given_up_is_sent_again_by_hand(there: Receiver, hook: Webhook) -> None:
    there.status = 500
    tell()
    WebhookDelivery.objects.update(state="dead")
    there.status = 200
    for _ in range(2):  # a second click
        replay(webhook=hook, deliveries=WebhookDelivery.objects.filter(state="dead"))
    tell()
    assert (only().state, only().tries) == ("delivered", 1)
    assert there.messages[0].id == there.messages[1].id
    assert of(hook).failing_since is None


def test_i5_410_switches_it_off_and_says_so(there: Receiver, hook: Webhook) -> None:
    there.status = 410
    tell()
    assert (of(hook).off, only().state, only().status) == ("gone", "dead", 410)
    assert Notification.objects.get().title == "Webhook “Accounting” is switched off"
    assert switch_on(webhook=hook)


def test_i5_days_of_nothing_but_failures_switch_it_off_once(there: Receiver, harbor: Brokerage, hook: Webhook) -> None:
    there.status = 500
    created(*(make_lead(harbor.ana) for _ in range(3)))
    tell()
    assert of(hook).off == ""
    Webhook.objects.update(failing_since=Now() - PATIENT - timedelta(hours=1), rests_until=None)
    later()
    tell()
    later()
    tell()
    assert of(hook).off == "failing"
    assert Notification.objects.count() == 1
    there.status = 200
    switch_on(webhook=hook)
    later()
    tell()
    assert {one.state for one in WebhookDelivery.objects.order_by("pk")} == {"delivered"}


def test_i5_an_address_that_fails_is_asked_seldom_and_holds_up_nobody(
    there: Receiver, harbor: Brokerage, hook: Webhook
) -> None:
    spread_all()
    well = there.hook(harbor.ana, Event.CREATED, path="/well")
    there.statuses["/a"] = 500
    created(*(make_lead(harbor.ana) for _ in range(20)))
    tell()
    assert len(there.told(well)) == 20
    asked = len(there.told(hook))
    assert asked <= OF_ONE  # then it rests
    Webhook.objects.update(rests_until=None)
    send_due()
    assert len(there.told(hook)) == asked + 1  # a single one, to find out
    there.statuses.clear()
    later()
    tell()
    assert WebhookDelivery.objects.exclude(state="delivered").count() == 0


# --- crashes and doubles ----------------------------------------------------------------------------------------------


def test_i5_a_worker_killed_between_claim_and_sending_loses_nothing(there: Receiver, hook: Webhook) -> None:
    spread_all()
    with mock.patch.object(sending, "_parcels", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        send_due()
    assert send_due() == 0  # claimed for a while
    assert there.messages == []
    later()
    tell()
    assert (len(there.messages), only().state) == (1, "delivered")


def test_i5_a_worker_that_comes_too_late_says_nothing(there: Receiver, hook: Webhook) -> None:
    spread_all()

    def meanwhile(*given: Any, **more: Any) -> Any:
        WebhookDelivery.objects.update(tries=2)
        raise ConnectionRefusedError

    asked = mock.patch.object(sending, "post", side_effect=meanwhile)
    with asked, mock.patch.object(sending, "ThreadPoolExecutor", AtOnce):
        send_due()
    assert (only().state, only().tries, only().error) == ("waiting", 2, "")


class AtOnce:
    """Does what it is given in this thread, whose transaction it shares."""

    def __init__(self, *given: Any) -> None: ...

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *given: object) -> None: ...

    def submit(self, act: Any, *given: Any, **more: Any) -> Any:
        from concurrent.futures import Future

        done: Future[Any] = Future()
        try:
            done.set_result(act(*given, **more))
        except Exception as error:
            done.set_exception(error)
        return done


def test_i5_a_task_run_many_times_at_once_sends_once(committing_db: str, settings: Any) -> None:
    settings.LOCAL_ADDRESSES = True
    with receiver() as there:
        harbor = brokerage()
        hook = there.hook(harbor.ana, Event.CREATED)
        created(*(make_lead(harbor.ana) for _ in range(30)))
        together(*([tell_webhooks] * 4))
        tell_webhooks()
        ids = [one.id for one in there.messages]
        assert len(there.told(hook)) == 30
        assert len(ids) == len({*ids}) == 30


def test_i5_the_lock_of_whoever_sends_goes_with_it(committing_db: str) -> None:
    def held() -> bool:
        with alone() as mine:
            return mine

    with alone() as mine:
        assert mine
        assert together(held, held) == [False, False]
    assert together(held) == [True]


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://2130706433/", "https://[::ffff:7f00:1]/", "https://10.0.0.1/x"),
        *("https://169.254.169.254/latest", "http://push.example/", "https://localhost/"),
    ],
)
def test_i5_an_address_that_leads_inside_is_never_asked(harbor: Brokerage, settings: Any, url: str) -> None:
    settings.LOCAL_ADDRESSES = True
    with receiver() as there:
        hook = there.hook(harbor.ana, Event.CREATED)
        settings.LOCAL_ADDRESSES = False
        Webhook.objects.update(url=url.replace("https://127.0.0.1", there.url.replace("http:", "https:")))
        created(make_lead(harbor.ana))
        tell()
        assert there.messages == []
    assert (only().state, only().status) == ("waiting", None)
    assert only().error.startswith("not asked: ")
    assert of(hook).failing_since


def test_i5_nobody_there_is_said_in_words(harbor: Brokerage, there: Receiver, hook: Webhook) -> None:
    Webhook.objects.update(url="http://127.0.0.1:9/")
    tell()
    assert only().error == "it could not be reached (ConnectionRefusedError)"


def test_i5_a_long_answer_is_not_read(there: Receiver, hook: Webhook) -> None:
    there.answer = b"<script>alert(1)</script>" * 100_000
    there.said = {"Content-Length": str(len(there.answer))}
    tell()
    assert only().state == "delivered"
    assert "script" not in str(vars(only()))


def test_i5_old_deliveries_are_forgotten(there: Receiver, harbor: Brokerage, hook: Webhook) -> None:
    created(*(make_lead(harbor.ana) for _ in range(3)))
    tell()
    kept = [("delivered", 29), ("delivered", 31), ("dead", 31), ("dead", 91)]
    for one, (state, days) in zip(WebhookDelivery.objects.order_by("pk"), kept, strict=True):
        WebhookDelivery.objects.filter(pk=one.pk).update(state=state, at=Now() - timedelta(days=days))
    with mock.patch.object(services, "AT_ONCE", 1):
        forget_deliveries()
    assert [one.state for one in WebhookDelivery.objects.order_by("pk")] == ["delivered", "dead"]
