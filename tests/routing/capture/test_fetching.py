"""Facebook's second step: the lead is read by its id, from a server that may be slow, down or wrong (C3)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from leads.models import ContactPoint, Lead
from routing.capture.fetching import WAITS, fetch_next
from routing.capture.inbox import discard, try_again
from routing.models import Channel, InboundLead, InboundRequest
from tests.factories.scenes import Brokerage
from tests.routing.capture.graphs import Graph
from tests.routing.capture.scenes import make_channel, send, signed, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
NEWS = {
    "object": "page",
    "entry": [
        {
            "id": "1",
            "changes": [
                {"field": "leadgen", "value": {"leadgen_id": number, "form_id": "f1", "page_id": "1"}}
                for number in ("l1", "l2")
            ],
        }
    ],
}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


@pytest.fixture
def facebook(harbor: Brokerage) -> Channel:
    return make_channel(harbor.lakeside, "facebook", signing_secret="app-secret", access_token="page-token")


def comes(channel: Channel) -> None:
    body = json.dumps(NEWS).encode()
    assert send(channel, body, key="", **{"X-Hub-Signature-256": signed(body, "app-secret")}).status_code == 200
    take_all_in()


def answer(number: str, email: str) -> dict[str, Any]:
    data = [{"name": "full_name", "values": ["Marisol Vega"]}, {"name": "email", "values": [email]}]
    return {"id": number, "form_id": "f1", "field_data": data}


def fetch_all() -> None:
    while fetch_next():
        pass


def states() -> list[str]:
    return list(InboundLead.objects.order_by("pk").values_list("state", flat=True))


def test_c3_facebooks_leads_are_read_in_two_steps(facebook: Channel, graph: Graph) -> None:
    graph.answers = {"l1": answer("l1", "m1@mail.example"), "l2": answer("l2", "m2@mail.example")}
    comes(facebook)
    assert states() == ["fetching", "fetching"]
    fetch_all()
    take_all_in()
    assert states() == ["created", "created"]
    assert set(ContactPoint.objects.values_list("value", flat=True)) == {"m1@mail.example", "m2@mail.example"}
    assert {str(lead.source) for lead in Lead.objects.order_by("pk")} == {"Facebook"}
    assert graph.asked[0][0] == "/v21.0/l1"
    assert graph.asked[0][1]["access_token"] == ["page-token"]


def test_c4_told_twice_it_is_fetched_once(facebook: Channel, graph: Graph) -> None:
    graph.answers = {"l1": answer("l1", "m1@mail.example"), "l2": answer("l2", "m2@mail.example")}
    for _ in range(2):
        comes(facebook)
        fetch_all()
        take_all_in()
    assert len(graph.asked) == 2
    assert Lead.objects.count() == 2


def test_c4_while_facebook_is_down_it_is_asked_again_later(facebook: Channel, graph: Graph) -> None:
    graph.status = 500
    comes(facebook)
    fetch_all()
    assert states() == ["fetching", "fetching"]
    assert len(graph.asked) == 2
    row = InboundLead.objects.order_by("pk")[0]
    assert "500" in row.error
    assert "page-token" not in row.error
    graph.status, graph.answers = 200, {"l1": answer("l1", "m1@mail.example"), "l2": answer("l2", "m2@mail.example")}
    InboundLead.objects.update(next_try_at=Now())
    fetch_all()
    take_all_in()
    assert states() == ["created", "created"]


def test_c4_after_the_last_try_it_waits_in_the_inbox(facebook: Channel, graph: Graph) -> None:
    graph.status = 400
    comes(facebook)
    for _ in range(len(WAITS) + 1):
        InboundLead.objects.update(next_try_at=Now())
        fetch_all()
    assert states() == ["failed", "failed"]
    assert "400" in InboundLead.objects.order_by("pk")[0].error


def test_c4_nobody_there_is_said_in_words(facebook: Channel, settings: Any) -> None:
    settings.GRAPH_URL = "http://127.0.0.1:9"
    comes(facebook)
    fetch_all()
    assert "could not be reached" in InboundLead.objects.order_by("pk")[0].error


def test_c4_an_answer_that_cannot_be_read_waits_in_the_inbox(facebook: Channel, graph: Graph) -> None:
    graph.answers = {"l1": {"id": "l1", "field_data": []}, "l2": answer("l2", "m2@mail.example")}
    comes(facebook)
    fetch_all()
    take_all_in()
    assert states() == ["failed", "created"]


# --- how the channel is doing meanwhile -------------------------------------------------------------------------------


def pages(client: Client, harbor: Brokerage, channel: Channel) -> list[str]:
    """The list of channels, the page of this one, the inbox."""
    client.force_login(harbor.lead)
    paths = ("/channels/", f"/channels/{channel.public_id}/", "/inbox/")
    return [client.get(path).content.decode() for path in paths]


def test_c1_a_channel_whose_leads_cannot_be_fetched_does_not_say_that_it_works(
    client: Client, harbor: Brokerage, facebook: Channel, graph: Graph
) -> None:
    graph.status = 400
    comes(facebook)
    listed, _, inbox = pages(client, harbor, facebook)
    assert "Works" in listed
    assert "Nothing waits here" in inbox
    fetch_all()
    listed, own, inbox = pages(client, harbor, facebook)
    assert "Works" not in listed
    assert "2 not fetched" in listed
    assert all("2 leads wait to be fetched since" in shown for shown in (listed, own))
    assert "Waits to be fetched" in inbox
    for shown in (listed, own, inbox):
        assert "Facebook did not give the lead: it answered 400" in shown
        assert "page-token" not in shown


def test_c1_nor_does_one_whose_leads_nobody_has_tried_to_fetch(
    client: Client, harbor: Brokerage, facebook: Channel
) -> None:
    comes(facebook)
    InboundLead.objects.update(next_try_at=Now() - timedelta(minutes=6))
    listed, own, inbox = pages(client, harbor, facebook)
    assert "Works" not in listed
    assert "Facebook was not asked yet" in own
    assert "Facebook was not asked for the lead yet" in inbox


def test_c1_it_works_again_once_they_are_fetched(
    client: Client, harbor: Brokerage, facebook: Channel, graph: Graph
) -> None:
    graph.status = 500
    comes(facebook)
    fetch_all()
    graph.status, graph.answers = 200, {"l1": answer("l1", "m1@mail.example"), "l2": answer("l2", "m2@mail.example")}
    assert not fetch_next()
    client.force_login(harbor.lead)
    waiting = InboundRequest.objects.managed_by(harbor.lead).in_inbox().get()
    assert client.post("/inbox/", {"again": str(waiting.pk)}).status_code == 302
    assert "Works" not in pages(client, harbor, facebook)[0]
    fetch_all()
    take_all_in()
    assert states() == ["created", "created"]
    listed, own, inbox = pages(client, harbor, facebook)
    assert "Works" in listed
    assert "to be fetched since" not in own
    assert "Nothing waits here" in inbox


def test_c4_only_who_manages_the_channel_has_its_leads_tried_again(
    harbor: Brokerage, facebook: Channel, graph: Graph
) -> None:
    graph.status = 500
    comes(facebook)
    fetch_all()
    [waiting] = InboundRequest.objects.managed_by(harbor.lead).in_inbox()
    assert try_again(actor=harbor.ana, request_ids=[waiting.pk]) == 0
    assert not fetch_next()


def test_c4_what_waits_to_be_fetched_can_be_thrown_away(harbor: Brokerage, facebook: Channel, graph: Graph) -> None:
    graph.status = 500
    comes(facebook)
    fetch_all()
    [waiting] = InboundRequest.objects.managed_by(harbor.lead).in_inbox()
    assert discard(actor=harbor.lead, request_ids=[waiting.pk]) == 1
    assert states() == ["discarded", "discarded"]
    assert not InboundRequest.objects.managed_by(harbor.lead).in_inbox().exists()
