"""What the page of a channel tells of leads that its reader may not read (V3, C8)."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from leads.models import Lead
from routing.models import Channel, InboundLead
from tests.factories.leads import make_lead
from tests.routing.capture.scenes import make_channel, send, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
ROWS = re.compile(r"<li data-row>(.*?)</li>", re.DOTALL)
TAGS = re.compile(r"<small>.*?</small>|<[^>]+>", re.DOTALL)


def said(client: Client, channel: Channel) -> list[str]:
    """The list of what came, in words; newest first."""
    client.force_login(channel.owner)  # type: ignore[arg-type]
    shown = client.get(f"/channels/{channel.public_id}/").content.decode()
    return [" ".join(TAGS.sub(" ", row).split()) for row in ROWS.findall(shown.partition("What came of late")[2])]


def test_v3_known_new_and_nothing_made_read_alike_to_who_may_not_read_the_lead(client: Client) -> None:
    harbor = lakeside()
    make_lead(harbor.ben, emails=["maya@mail.example"])
    channel = make_channel(harbor.ana, "events")
    for name in ("maya", "noor"):
        send(channel, {"type": "Inquiry", "person": {"firstName": name, "emails": [{"value": f"{name}@mail.example"}]}})
    send(channel, {"type": "Viewed Page", "person": {"firstName": "owen", "emails": [{"value": "owen@mail.example"}]}})
    take_all_in()
    assert {*InboundLead.objects.values_list("state", flat=True)} == {"created", "inquiry", "ignored"}
    Lead.objects.filter(first_name="noor").update(owner_user=harbor.ben)
    shown = said(client, channel)
    assert shown == ["No lead that you may read Taken in"] * 3


def test_c8_whose_lead_it_is_reads_that_the_person_was_known(client: Client) -> None:
    harbor = lakeside()
    make_lead(harbor.ana, first_name="Maya", last_name="Okafor", emails=["maya@mail.example"])
    channel = make_channel(harbor.ana)
    send(channel, {"email": "maya@mail.example"})
    take_all_in()
    assert said(client, channel) == ["Maya Okafor Known person"]
