"""Web push: what leaves, when, for whom, and what becomes of it (R10)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import transaction
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from crm.notifications.delivering import MOST_TRIES, send_due
from crm.notifications.models import Delivery, Notification, PushSubscription
from crm.notifications.pushing import MOST_FAILURES
from crm.notifications.services import Message, notify
from crm.notifications.tasks import send_mails, send_pushes
from crm.organization.models import User
from leads.models import Assignment
from routing.models import Offer
from routing.services.claiming import claim
from tests.factories.crossing import beyond_her, crossing
from tests.factories.leads import make_lead
from tests.factories.marks import told
from tests.factories.scenes import Brokerage
from tests.notifications.push_service import PushService
from tests.notifications.test_telling import NoPost
from tests.routing.scenes import lakeside, route

pytestmark = pytest.mark.django_db
PUSH = Delivery.Channel.PUSH


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def tell(user: User, title: str = "Ben asks for it", **more: Any) -> None:
    notify(user.company_id, [Message(user.pk, "request", title, "Have a look.", **more)])


def tell_in_vain(user: User) -> None:
    """Her being told is rolled back with its cause."""
    with transaction.atomic():
        tell(user)
        transaction.set_rollback(True)


def due() -> None:
    Delivery.objects.filter(state="waiting").update(due_at=Now() - timedelta(seconds=1))


def pushed() -> Delivery:
    return Delivery.objects.get(channel=PUSH)


def test_r10_an_offer_is_pushed_to_its_agent_s_device_one_tap_from_the_lead(
    service: PushService, harbor: Brokerage
) -> None:
    service.browser().used_by(harbor.ana)
    lead = make_lead(harbor.lakeside, first_name="Maya", last_name="Okafor")
    route(harbor.lakeside, lead)
    assert send_due(PUSH) == 1
    [push] = service.pushes
    assert push.told["title"] == "Offered to you: Maya Okafor"
    assert push.told["url"] == f"/people/{lead.public_id}/"
    assert push.told["person"] == str(harbor.ana.pk)
    assert push.claims["aud"] == service.url
    assert push.claims["sub"] == "mailto:fairlead@localhost"
    assert push.headers["Urgency"] == "high"
    left = Offer.objects.get().deadline - timezone.now()
    assert abs(int(push.headers["TTL"]) - left.total_seconds()) < 5
    device = PushSubscription.objects.get()
    assert device.last_success_at is not None
    assert pushed().sent_at is not None


def test_r10_pushes_leave_after_commit_only(
    service: PushService, harbor: Brokerage, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    for task in (send_pushes, send_mails):
        monkeypatch.setattr(task, "_send", lambda args, kwargs, name=task.name: sent.append(name.rpartition(".")[2]))
    service.browser().used_by(harbor.ana)
    with django_capture_on_commit_callbacks(execute=True):
        tell_in_vain(harbor.ana)
        assert sent == []
    assert sent == []
    with django_capture_on_commit_callbacks(execute=True):
        tell(harbor.ana)
        assert sent == []
    assert sent == ["send_pushes", "send_mails"]
    assert Delivery.objects.count() == 2


def test_r10_what_was_rolled_back_is_sent_by_no_channel(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    tell_in_vain(harbor.ana)
    send_mails()
    send_pushes()
    assert (service.asked, mail.outbox) == ([], [])


def test_r10_mail_goes_while_the_push_service_is_away(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    service.status = 503
    tell(harbor.ana)
    send_pushes()
    send_mails()
    assert len(mail.outbox) == 1
    assert (pushed().state, pushed().tries) == ("waiting", 1)
    service.status = 201
    due()
    send_pushes()
    send_mails()
    assert service.told == ["Ben asks for it"]
    assert len(mail.outbox) == 1
    assert pushed().state == "sent"


def test_r10_pushes_go_while_the_mail_server_is_away(service: PushService, harbor: Brokerage, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{NoPost.__module__}.NoPost"
    service.browser().used_by(harbor.ana)
    tell(harbor.ana)
    send_mails()
    send_pushes()
    assert service.told == ["Ben asks for it"]
    assert Delivery.objects.get(channel="email").state == "waiting"
    due()
    send_pushes()
    assert len(service.asked) == 1


def test_r10_each_device_is_tried_again_on_its_own(service: PushService, harbor: Brokerage) -> None:
    for name in ("phone", "desk"):
        service.browser(name).used_by(harbor.ana)
    service.statuses["/phone"] = 500
    tell(harbor.ana)
    send_pushes()
    service.statuses.clear()
    due()
    send_pushes()
    assert sorted(service.asked) == ["/desk", "/phone", "/phone"]


def test_r10_a_push_is_not_tried_for_ever(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    service.status = 500
    tell(harbor.ana)
    for _ in range(MOST_TRIES + 2):
        due()
        send_pushes()
    assert (pushed().state, len(service.asked)) == ("failed", MOST_TRIES)


@pytest.mark.parametrize("status", [404, 410])
def test_r10_a_browser_that_ended_it_is_forgotten(service: PushService, harbor: Brokerage, status: int) -> None:
    service.browser().used_by(harbor.ana)
    service.status = status
    tell(harbor.ana)
    send_pushes()
    assert not PushSubscription.objects.exists()
    assert not Delivery.objects.filter(channel=PUSH).exists()
    tell(harbor.ana)
    assert not Delivery.objects.filter(channel=PUSH).exists()


@pytest.mark.parametrize("said", ["900", "in a date"])
def test_r10_the_push_service_says_when_to_come_back(service: PushService, harbor: Brokerage, said: str) -> None:
    moment = timezone.now() + timedelta(seconds=900)
    service.browser().used_by(harbor.ana)
    service.status, service.said = (
        429,
        {"Retry-After": said if said == "900" else f"{moment:%a, %d %b %Y %H:%M:%S GMT}"},
    )
    tell(harbor.ana)
    send_pushes()
    assert timedelta(seconds=880) < pushed().due_at - timezone.now() < timedelta(seconds=920)


def test_r10_refusals_are_not_repeated_and_end_a_device_at_last(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    service.status = 403
    for number in range(MOST_FAILURES):
        assert PushSubscription.objects.get().failures == number
        tell(harbor.ana)
        due()
        send_pushes()
    assert not PushSubscription.objects.exists()
    assert len(service.asked) == MOST_FAILURES


def test_r10_redirects_are_not_followed(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    service.status, service.said = 307, {"Location": f"{service.url}/elsewhere"}
    tell(harbor.ana)
    send_pushes()
    assert service.asked == ["/a"]
    assert pushed().state == "failed"


def test_r10_addresses_inside_are_not_asked(service: PushService, harbor: Brokerage, settings: Any) -> None:
    device = service.browser().used_by(harbor.ana)
    PushSubscription.objects.update(endpoint=device.endpoint.replace("http://", "https://"))
    settings.LOCAL_ADDRESSES = False
    tell(harbor.ana)
    send_pushes()
    assert service.asked == []
    assert (pushed().state, pushed().error) == ("failed", "not asked: it is not on the public internet")


def test_r10_a_push_delivered_twice_is_one(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    tell(harbor.ana)
    for _ in range(3):
        send_pushes()
    assert len(service.pushes) == 1


def test_r10_an_offer_that_ended_meanwhile_is_not_pushed(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    lead = make_lead(harbor.lakeside)
    route(harbor.lakeside, lead)
    claim(lead_id=lead.pk, user=harbor.ana, act="button")
    send_pushes()
    assert service.asked == []
    assert pushed().state == "ended"


def test_r10_an_offer_whose_time_is_up_is_not_pushed(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    route(harbor.lakeside, make_lead(harbor.lakeside))
    Offer.objects.update(deadline=Now() - timedelta(seconds=1))
    send_pushes()
    assert service.asked == []


def test_r10_what_is_a_day_old_disturbs_nobody(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    tell(harbor.ana)
    Notification.objects.update(created_at=Now() - timedelta(days=1, seconds=1))
    send_pushes()
    assert service.asked == []


def test_r10_a_push_names_nothing_of_a_lead_lost_meanwhile(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    lead = make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", last_name="Okafor")
    tell(harbor.ana, "Ben asks for {lead}", lead_id=lead.pk)
    send_pushes()
    tell(harbor.ana, "Ben asks for {lead}", lead_id=lead.pk)
    Assignment.objects.filter(lead=lead).delete()
    send_pushes()
    before, after = service.pushes
    assert before.told["title"] == "Ben asks for Maya Okafor"
    assert before.told["url"] == f"/people/{lead.public_id}/"
    assert (after.told["title"], after.told["url"]) == ("Ben asks for a lead", "/notifications/")
    assert "Maya" not in str(after.told)
    assert lead.public_id not in str(after.told)


def test_v5_pushes_tell_of_a_lead_no_more_than_the_reader_may_know(service: PushService) -> None:
    """Everybody of the company is told of every lead."""
    scene = crossing()
    colleagues = {name: user for name, user in scene.people.items() if user and name != "other"}
    for name, user in colleagues.items():
        service.browser(name).used_by(user)
        for lead in scene.leads.values():
            tell(user, "Ben asks for {lead}", lead_id=lead.pk)
    send_due(PUSH, limit=200)
    assert len(service.pushes) == len(colleagues) * len(scene.leads)
    for name in colleagues:
        hers = [str(push.told) for push in service.pushes if push.path == f"/{name}"]
        assert beyond_her(name, told("\n".join(hers))) == {}, name
    assert any("Secret" in push.told["title"] for push in service.pushes)


def test_r10_a_newer_push_about_a_lead_takes_the_older_one_s_place(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    one, other = make_lead(harbor.ana), make_lead(harbor.ana)
    for lead in (one, one, other):
        tell(harbor.ana, "Ben asks for {lead}", lead_id=lead.pk)
    tell(harbor.ana)
    send_pushes()
    topics = Counter(push.headers["Topic"] for push in service.pushes)
    assert topics.pop(None) == 1
    assert sorted(topics.values()) == [1, 2]
    assert {len(topic) for topic in topics} == {32}


def test_r10_long_words_fit_into_a_push(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    notify(harbor.company.pk, [Message(harbor.ana.pk, "request", "ü" * 300, "漢" * 3000)])
    send_pushes()
    assert int(service.pushes[0].headers["Content-Length"]) <= 4096


def test_r10_who_was_deactivated_is_not_told(service: PushService, harbor: Brokerage) -> None:
    service.browser().used_by(harbor.ana)
    tell(harbor.ana)
    User.objects.filter(pk=harbor.ana.pk).update(is_active=False)
    send_pushes()
    send_mails()
    assert (service.asked, mail.outbox) == ([], [])
    assert not PushSubscription.objects.exists()


def test_r10_who_signed_out_is_not_told_there(service: PushService, harbor: Brokerage) -> None:
    browser, client = service.browser(), Client()
    client.force_login(harbor.ana)
    assert client.post("/notifications/devices/", browser.says).status_code == 204
    tell(harbor.ana)
    client.post("/accounts/logout/")
    tell(harbor.ana)
    send_pushes()
    assert service.asked == []
    client.force_login(harbor.ana)  # the browser says so on its first page
    assert client.post("/notifications/devices/renew/", browser.says | {"was": browser.endpoint}).status_code == 204
    tell(harbor.ana, "Back again")
    send_pushes()
    assert service.told == ["Back again"]


@pytest.mark.parametrize("how", ["expired", "gone", "new password", "other person"])
def test_r10_a_session_that_is_over_is_told_nothing(service: PushService, harbor: Brokerage, how: str) -> None:
    device = service.browser().used_by(harbor.ana)
    tell(harbor.ana)
    session = Session.objects.filter(pk=device.session_key)
    if how == "expired":
        session.update(expire_date=Now())
    elif how == "gone":
        session.delete()
    elif how == "new password":
        harbor.ana.set_password("another one")
        harbor.ana.save()
    else:
        PushSubscription.objects.update(session_key=service.browser("b").used_by(harbor.ben).session_key)
    send_pushes()
    assert service.asked == []
