"""The form of a channel (C9): what it asks, what it refuses, and that it needs no cookie and no page of ours."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from leads.models import Activity, ContactPoint, Lead
from routing.models import Channel, InboundRequest
from routing.views.hosted import MOST_SENT
from tests.factories.scenes import Brokerage
from tests.routing.capture.scenes import make_channel, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
FILLED = {"name": "Maya Okafor", "email": "maya@mail.example", "phone": "201 555 0123", "message": "Is it free?"}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


@pytest.fixture
def channel(harbor: Brokerage) -> Channel:
    return make_channel(harbor.lakeside, "website", form_title="Ask us <anything>")


def opened(channel: Channel) -> str:
    answer = Client().get(f"/f/{channel.public_id}/")
    assert answer.status_code == 200
    found = re.search(r'name="opened" value="([^"]+)"', answer.content.decode())
    assert found
    return found[1]


def fill_in(channel: Channel, *, after: float = 5, token: str = "", **data: str) -> Any:
    token = token or opened(channel)
    client = Client(enforce_csrf_checks=True)
    with time_machine.travel(timezone.now() + timedelta(seconds=after), tick=False):
        return client.post(f"/f/{channel.public_id}/", {**FILLED, "opened": token, **data})


def test_c9_what_is_to_be_copied_into_a_page_is_that_page_s_html(channel: Channel, harbor: Brokerage) -> None:
    Channel.objects.filter(pk=channel.pk).update(form_title='x" onload="alert(1)')
    client = Client()
    client.force_login(harbor.lead)
    page = client.get(f"/channels/{channel.public_id}/").content.decode()
    copied = unescape(re.search(r"&lt;iframe.*?iframe&gt;", page)[0])  # type: ignore[index]
    assert 'title="x&quot; onload=&quot;alert(1)" width' in copied


def test_c9_what_is_filled_in_becomes_a_lead(channel: Channel, harbor: Brokerage) -> None:
    answer = fill_in(channel)
    assert answer.status_code == 200
    assert "Thank you" in answer.content.decode()
    assert not answer.cookies
    take_all_in()
    lead = Lead.objects.get()
    assert (lead.name, lead.owner) == ("Maya Okafor", harbor.lakeside)
    assert set(ContactPoint.objects.values_list("value", flat=True)) == {"maya@mail.example", "+12015550123"}
    assert Activity.objects.get(lead=lead, kind="inquiry").body == "Is it free?"


def test_c9_it_may_stand_in_any_page(channel: Channel) -> None:
    answer = Client().get(f"/f/{channel.public_id}/")
    assert "X-Frame-Options" not in answer
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "Ask us &lt;anything&gt;" in answer.content.decode()


def test_c9_the_words_agreed_to_are_kept(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(form_consent="You may call me about homes.")
    refused = fill_in(channel)
    assert refused.status_code == 422
    assert "Maya Okafor" in refused.content.decode()
    assert fill_in(channel, consent="on").status_code == 200
    take_all_in()
    assert "You may call me about homes." in Activity.objects.get(kind="inquiry").body


@pytest.mark.parametrize(
    "data",
    [
        {"email": "", "phone": ""},
        {"email": "maya@"},
        {"phone": "call me"},
        {"name": ""},
        {"name": "x" * 201},
        {"message": "x" * 4001},
        {"name": "a\x00b"},
    ],
)
def test_c9_mistakes_are_said_and_what_was_typed_is_kept(channel: Channel, data: dict[str, str]) -> None:
    answer = fill_in(channel, **data)
    assert answer.status_code == 422
    assert "Is it free?" in answer.content.decode() or "message" in data
    assert not InboundRequest.objects.exists()


@pytest.mark.parametrize("after", [0.5, 100_000])
def test_c9_too_quick_or_too_late_it_is_asked_once_more(channel: Channel, after: float) -> None:
    answer = fill_in(channel, after=after)
    assert answer.status_code == 422
    assert "send it once more" in answer.content.decode()
    assert not InboundRequest.objects.exists()


@pytest.mark.parametrize("token", ["", "nonsense", "another"])
def test_c9_only_a_page_of_this_form_sends_it(channel: Channel, harbor: Brokerage, token: str) -> None:
    token = opened(make_channel(harbor.hilltop, "form")) if token == "another" else token or "x"
    assert fill_in(channel, token=token).status_code == 422
    assert not InboundRequest.objects.exists()


def test_c9_a_form_sent_without_its_page_says_what_to_do(channel: Channel) -> None:
    answer = fill_in(channel, opened="")
    assert answer.status_code == 422
    assert "send it once more" in answer.content.decode()
    again = re.search(r'name="opened" value="([^"]+)"', answer.content.decode())
    assert again
    assert fill_in(channel, after=10, token=again[1]).status_code == 200
    assert InboundRequest.objects.count() == 1


def test_c9_a_double_click_makes_one_lead(channel: Channel) -> None:
    token = opened(channel)
    for _ in range(2):
        fill_in(channel, token=token)
    take_all_in()
    assert Lead.objects.count() == 1
    assert Activity.objects.filter(kind="inquiry").count() == 1


def test_c4_what_is_sent_from_the_same_page_again_with_other_words_is_kept_too(channel: Channel) -> None:
    token = opened(channel)
    for email in ("maya@mail.example", "ben@mail.example"):
        fill_in(channel, token=token, email=email, phone="")
    take_all_in()
    assert Lead.objects.count() == 2


def test_c9_what_only_machines_fill_in_makes_nothing(channel: Channel) -> None:
    assert fill_in(channel, website="http://spam.example").status_code == 200
    take_all_in()
    assert not Lead.objects.exists()


def test_c9_one_connection_cannot_flood_it(channel: Channel) -> None:
    for number in range(MOST_SENT):
        assert fill_in(channel, email=f"m{number}@mail.example").status_code == 200
    refused = fill_in(channel)
    assert refused.status_code == 422
    assert "Try again in an hour" in refused.content.decode()


def test_only_open_channels_of_some_kinds_have_one(harbor: Brokerage) -> None:
    closed = make_channel(harbor.lakeside, "website", closed_at=timezone.now())
    for channel in (closed, make_channel(harbor.lakeside, "zillow")):
        assert Client().get(f"/f/{channel.public_id}/").status_code == 404
