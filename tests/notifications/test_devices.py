"""The page of a person's devices, and what their browsers say (R10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from crm.notifications.delivering import send_due
from crm.notifications.devices import MOST, device_in
from crm.notifications.models import Delivery, Notification, PushSubscription
from crm.notifications.pushing import public_key
from crm.notifications.services import Message, notify
from crm.organization.models import User
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.notifications.push_service import Browser, PushService

pytestmark = pytest.mark.django_db
PAGE, RENEW, TEST = "/notifications/devices/", "/notifications/devices/renew/", "/notifications/devices/test/"
PUSH = Delivery.Channel.PUSH


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def signed_in(user: User) -> Client:
    client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
    client.force_login(user)
    return client


def tell(user: User, title: str) -> None:
    notify(user.company_id, [Message(user.pk, "request", title)])


def test_r10_the_page_lists_her_devices_and_stops_them(harbor: Brokerage) -> None:
    ana = signed_in(harbor.ana)
    assert public_key() in ana.get(PAGE).content.decode()
    assert ana.post(PAGE, Browser("https://push.example/a").says).status_code == 204
    page = ana.get(PAGE).content.decode()
    assert "Firefox on Linux" in page
    assert "push.example" not in page
    device = PushSubscription.objects.get()
    assert ana.get(f"{PAGE}{device.pk}/stop/").status_code == 405
    assert ana.post(f"{PAGE}{device.pk}/stop/").headers["Location"] == PAGE
    assert not PushSubscription.objects.exists()
    assert "On no device yet" in ana.get(PAGE).content.decode()


def test_r10_others_neither_see_nor_stop_her_devices(harbor: Brokerage) -> None:
    signed_in(harbor.ana).post(PAGE, Browser("https://push.example/a").says)
    device = PushSubscription.objects.get()
    for other in (stranger(), harbor.ben, harbor.broker):
        client = signed_in(other)
        assert "Firefox on Linux" not in client.get(PAGE).content.decode()
        assert client.post(f"{PAGE}{device.pk}/stop/").status_code == 404
        assert client.post(RENEW, Browser("https://push.example/b").says | {"was": device.endpoint}).status_code == 404
    assert PushSubscription.objects.get().user == harbor.ana


def test_r10_who_views_as_her_sees_no_devices(harbor: Brokerage) -> None:
    signed_in(harbor.ana).post(PAGE, Browser("https://push.example/a").says)
    viewer = signed_in(harbor.broker)
    viewer.post(f"/view-as/{harbor.ana.pk}/")
    page = viewer.get(PAGE).content.decode()
    assert "her own affair" in page
    assert "Firefox on Linux" not in page
    assert viewer.post(PAGE, Browser("https://push.example/b").says).status_code == 403
    assert PushSubscription.objects.get().endpoint == "https://push.example/a"


def test_r10_a_shared_browser_tells_whoever_agreed_last(service: PushService, harbor: Brokerage) -> None:
    shared = service.browser()
    ana, boss = signed_in(harbor.ana), stranger()
    ana.post(PAGE, shared.says)
    tell(harbor.ana, "For Ana alone")
    signed_in(boss).post(PAGE, shared.says)
    tell(harbor.ana, "For Ana, too")
    tell(boss, "For the boss")
    send_due(PUSH)
    assert service.told == ["For the boss"]
    assert ana.post(RENEW, shared.says | {"was": shared.endpoint}).status_code == 404
    assert PushSubscription.objects.get().user == boss


def test_r10_a_browser_with_a_new_address_stays_the_same_device(service: PushService, harbor: Brokerage) -> None:
    """As the worker says it: without a form token, and by the address until now."""
    old, new = service.browser("old"), service.browser("new")
    ana = Client(enforce_csrf_checks=True)
    ana.force_login(harbor.ana)
    assert ana.post(PAGE, old.says).status_code == 403
    before = old.used_by(harbor.ana)
    tell(harbor.ana, "On its way")
    assert ana.post(RENEW, new.says | {"was": old.endpoint}).status_code == 204
    assert PushSubscription.objects.get().pk == before.pk
    send_due(PUSH)
    assert [push.path for push in service.pushes] == ["/new"]


def test_r10_agreeing_again_is_one_device(harbor: Brokerage) -> None:
    ana, browser = signed_in(harbor.ana), Browser("https://push.example/a")
    for _ in range(3):
        ana.post(PAGE, browser.says)
    assert PushSubscription.objects.count() == 1


def test_r10_a_person_has_so_many_devices_at_most(harbor: Brokerage) -> None:
    ana = signed_in(harbor.ana)
    for number in range(MOST + 2):
        ana.post(PAGE, Browser(f"https://push.example/{number}").says)
    kept = PushSubscription.objects.order_by("pk").values_list("endpoint", flat=True)
    assert list(kept) == [f"https://push.example/{number}" for number in range(2, MOST + 2)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": ""},
        {"endpoint": "http://push.example/a"},
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "https://me:word@push.example/a"},
        {"endpoint": "https://push.example:port/a"},
        {"endpoint": "https://push.example/a b"},
        {"endpoint": "https://10.0.0.7/a"},
        {"endpoint": "https://LOCALHOST:9000/a"},
        {"endpoint": f"https://push.example/{'a' * 1000}"},
        {"p256dh": "AAAA"},
        {"p256dh": "B" * 87},
        {"p256dh": "näh"},
        {"auth": "c2hvcnQ"},
    ],
)
def test_r10_what_no_browser_says_is_refused(harbor: Brokerage, wrong: dict[str, str]) -> None:
    answer = signed_in(harbor.ana).post(PAGE, Browser("https://push.example/a").says | wrong)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == list(wrong)
    assert not PushSubscription.objects.exists()


def test_r10_an_address_inside_is_refused_in_a_sentence(harbor: Brokerage) -> None:
    answer = signed_in(harbor.ana).post(PAGE, Browser("https://192.168.1.4:8443/a").says)
    assert answer.json()["errors"]["endpoint"] == ["It must be on the public internet, not on a network of your own."]


def test_r10_a_test_goes_to_her_devices_and_to_no_mailbox(service: PushService, harbor: Brokerage) -> None:
    ana = signed_in(harbor.ana)
    ana.post(TEST)
    assert not Notification.objects.exists()
    service.browser().used_by(harbor.ana)
    service.browser("bens").used_by(harbor.ben)
    assert "on its way" in ana.post(TEST, follow=True).content.decode()
    send_due(PUSH)
    assert [(push.path, push.told["url"]) for push in service.pushes] == [("/a", PAGE)]
    assert not Delivery.objects.filter(channel="email").exists()


def test_the_page_costs_the_same_however_many_devices(
    harbor: Brokerage, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ana = signed_in(harbor.ana)
    ana.post(PAGE, Browser("https://push.example/a").says)
    with django_assert_max_num_queries(8) as once:
        ana.get(PAGE)
    cost = len(once)
    for number in range(4):
        ana.post(PAGE, Browser(f"https://push.example/{number}").says)
    with django_assert_max_num_queries(cost):
        ana.get(PAGE)


def test_r10_the_worker_is_served_at_the_root(client: Client) -> None:
    answer = client.get("/sw.js")
    assert answer.headers["Content-Type"] == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert b"showNotification" in answer.content


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) … Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) … Version/18.0 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) … Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8", "A browser on some device"),
    ],
)
def test_devices_have_names(agent: str, name: str) -> None:
    assert device_in(agent) == name


def test_a_promise_costs_one_query_more_whatever_the_devices(
    harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8) as without:
        tell(harbor.ana, "Once")
    cost = len(without)
    for number in range(4):
        Browser(f"https://push.example/{number}").used_by(harbor.ana)
    with django_assert_max_num_queries(cost):
        tell(harbor.ana, "Again")
    assert Delivery.objects.filter(channel=PUSH).count() == 4
