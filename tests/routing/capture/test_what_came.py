"""What came by a channel: what its page tells of leads that its reader may not read (V3, C8); its inbox."""

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


def test_c4_what_lacks_a_meaning_leads_to_its_questions(client: Client) -> None:
    harbor = lakeside()
    channel = make_channel(harbor.lakeside)
    link = f'href="/channels/{channel.public_id}/fields/"'
    client.force_login(harbor.lead)
    send(channel, "neither JSON nor a form")
    take_all_in()
    assert link not in client.get("/inbox/").content.decode()
    send(channel, {"Wer": "Maya", "Anliegen": "Garten"})
    take_all_in()
    assert client.get("/inbox/").content.decode().count(link) == 1
    assert client.get(f"/channels/{channel.public_id}/fields/").status_code == 200
