"""A channel's keys (C2): a new one, and what becomes of those before."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from routing.models import Channel
from tests.factories.scenes import Brokerage, brokerage
from tests.routing.capture.scenes import SECRET, make_channel, send
from tests.routing.capture.test_pages import page, path_of, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def test_c2_a_second_new_key_ends_the_first_only_knowingly(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    act = path_of(channel, "act/")
    assert "ends it at once" not in page(client, harbor.lead, path_of(channel))
    for _ in range(2):  # sent twice, or by two who both saw no key before
        post(client, harbor.lead, act, do="key", ending="")
    said = page(client, harbor.lead, path_of(channel))
    assert "Nothing was changed" in said
    assert "Another new key ends it at once" in said
    channel.refresh_from_db()
    second = channel.secret
    assert send(channel, {"email": "a@mail.example"}, key=SECRET).status_code == 200
    ending = said.partition('name="ending" value="')[2].partition('"')[0]
    post(client, harbor.lead, act, do="key", ending=ending)
    post(client, harbor.lead, act, do="key", ending=ending)
    channel.refresh_from_db()
    answers = [send(channel, {"email": "b@mail.example"}, key=key).status_code for key in (SECRET, second)]
    assert answers == [403, 200]
    Channel.objects.filter(pk=channel.pk).update(old_until=timezone.now())
    post(client, harbor.lead, act, do="key", ending="")
    assert send(channel, {"email": "c@mail.example"}, key=channel.secret).status_code == 200
