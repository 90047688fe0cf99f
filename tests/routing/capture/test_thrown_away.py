"""What somebody threw away in the inbox is kept, shown, and tried again if it is wanted after all (C4)."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.organization.models import User
from leads.models import Lead
from routing.models import FieldMap, InboundRequest
from tests.factories.scenes import Brokerage, brokerage
from tests.routing.capture.scenes import make_channel, send, take_all_in

pytestmark = pytest.mark.django_db
AWAY = "/inbox/?away=1"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def page(client: Client, user: User, path: str, **sent: str) -> str:
    client.force_login(user)
    return (client.post(path, sent, follow=True) if sent else client.get(path)).content.decode()


def test_c4_what_was_thrown_away_can_be_brought_back(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    send(channel, {"Kontakt": "maya@mail", "Wer": "Maya Okafor"})
    send(channel, {"Kontakt": "ben@mail"})
    take_all_in()
    first, second = InboundRequest.objects.order_by("pk")
    for row in (first, second):
        assert "kept under Thrown away" in page(client, harbor.lead, "/inbox/", discard=str(row.pk))
    assert "Nothing waits here" in page(client, harbor.lead, "/inbox/")
    assert "Maya Okafor" in page(client, harbor.lead, AWAY)
    assert "Nothing was thrown away" in page(client, harbor.eve, AWAY)
    assert "Nothing was left to do" in page(client, harbor.eve, AWAY, again=str(first.pk))
    FieldMap.objects.create(company=channel.company, channel=channel, form_id="", fields={"Wer": "name"})
    page(client, harbor.lead, AWAY, again=str(first.pk))
    take_all_in()
    assert Lead.objects.get().name == "Maya Okafor"
    assert "Maya Okafor" not in page(client, harbor.lead, AWAY)
    assert "ben@mail" in page(client, harbor.lead, AWAY)


def test_c4_what_cannot_be_read_is_brought_back_with_its_error(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    send(channel, b"{broken")
    take_all_in()
    row = InboundRequest.objects.get()
    page(client, harbor.lead, "/inbox/", discard=str(row.pk))
    thrown = page(client, harbor.lead, AWAY)
    assert "{broken" in thrown
    assert row.error in thrown.replace("&#x27;", "'").replace("&quot;", '"')
    page(client, harbor.lead, AWAY, again=str(row.pk))
    take_all_in()
    assert "{broken" in page(client, harbor.lead, "/inbox/")
