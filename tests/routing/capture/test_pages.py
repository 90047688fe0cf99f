"""The pages of channels and of the inbox: who sees what, what each form does (C1, C2, C4, C5)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from crm.organization.models import Membership, Unit, User
from leads import signals
from permissions.models import LedgerEntry
from routing.capture.channels import Settings, change, connect
from routing.models import Channel, FieldMap, InboundLead, InboundRequest
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.routing.capture.scenes import SECRET, let_hide, make_channel, send, take_all_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def page(client: Client, user: User, path: str) -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def post(client: Client, user: User, path: str, **data: Any) -> Any:
    client.force_login(user)
    return client.post(path, data)


def path_of(channel: Channel, rest: str = "") -> str:
    return f"/channels/{channel.public_id}/{rest}"


# --- connecting -------------------------------------------------------------------------------------------------------


def test_c2_a_manager_connects_a_channel_of_her_unit(client: Client, harbor: Brokerage) -> None:
    answer = post(
        client, harbor.lead, "/channels/new/?kind=zillow", name="Our Zillow", owner=f"unit-{harbor.lakeside.pk}"
    )
    channel = Channel.objects.get()
    assert answer["Location"] == path_of(channel)
    assert (channel.owner, channel.routing_unit, channel.kind) == (harbor.lakeside, harbor.lakeside, "zillow")
    assert channel.secret in page(client, harbor.lead, path_of(channel))
    fact = LedgerEntry.objects.get(kind="policy_changed", why="channel")
    assert (fact.actor_id, fact.to_unit_id) == (harbor.lead.pk, harbor.lakeside.pk)
    assert channel.secret not in str(fact.detail)


def test_c2_everyone_connects_her_own(client: Client, harbor: Brokerage) -> None:
    post(client, harbor.ana, "/channels/new/?kind=agent_site", name="ana.example", owner="me", hidden="")
    channel = Channel.objects.get()
    assert (channel.owner, channel.routing_unit) == (harbor.ana, None)


@pytest.mark.parametrize(
    ("kind", "owner", "allowed"),
    [
        ("zillow", "lakeside", False),
        ("website", "lakeside", False),
        ("website", "me", False),
        ("agent_site", "lakeside", False),
        ("json", "lakeside", True),
        ("json", "hilltop", False),
        ("json", "whole", False),
        ("zillow", "me", True),
    ],
)
def test_c2_what_an_agent_may_connect(client: Client, harbor: Brokerage, kind: str, owner: str, allowed: bool) -> None:
    chosen = owner if owner == "me" else f"unit-{getattr(harbor, owner).pk}"
    answer = post(client, harbor.ana, f"/channels/new/?kind={kind}", name="Kept words", owner=chosen)
    assert answer.status_code == (302 if allowed else 422)
    assert Channel.objects.exists() is allowed
    if not allowed:
        kept = "Kept words" if kind != "website" else "A website is connected by who manages its unit"
        assert kept in answer.content.decode()


def test_c2_only_kinds_of_which_she_can_own_one_are_offered(client: Client, harbor: Brokerage) -> None:
    assert 'value="website"' not in page(client, harbor.ana, "/channels/new/")
    assert 'name="owner"' not in page(client, harbor.ana, "/channels/new/?kind=website")
    assert 'value="agent_site"' in page(client, harbor.ana, "/channels/new/")
    assert 'value="website"' in page(client, harbor.lead, "/channels/new/")


def test_c1_the_routing_has_to_be_the_owners_or_below(client: Client, harbor: Brokerage) -> None:
    path, owner = "/channels/new/?kind=zillow", f"unit-{harbor.north.pk}"
    answer = post(client, harbor.broker, path, name="Z", owner=owner, routing_unit=harbor.south.pk)
    assert answer.status_code == 422
    assert post(client, harbor.broker, path, name="Z", owner=owner, routing_unit=harbor.lakeside.pk).status_code == 302
    assert Channel.objects.get().routing_unit == harbor.lakeside


def test_facebook_asks_for_what_it_needs(client: Client, harbor: Brokerage) -> None:
    path = "/channels/new/?kind=facebook"
    assert post(client, harbor.ana, path, name="F", owner="me").status_code == 422
    assert post(client, harbor.ana, path, name="F", owner="me", signing_secret="s", access_token="t").status_code == 302


VENDORS = {"signing_secret": "the-app-secret", "access_token": "the-page-token"}


def test_c1_secrets_of_vendors_are_never_in_the_page(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside, "facebook", **VENDORS)
    shown = page(client, harbor.lead, path_of(channel))
    assert shown.count("One is set: leave this empty to keep it.") == 2
    refused = post(client, harbor.lead, path_of(channel), name="", **VENDORS)
    assert refused.status_code == 422
    for secret in VENDORS.values():
        assert secret not in shown
        assert secret not in refused.content.decode()


@pytest.mark.parametrize("changed", [{}, {"signing_secret": "new"}, {"access_token": "new"}])
def test_c1_a_vendors_secret_that_is_left_empty_stays(
    client: Client, harbor: Brokerage, changed: dict[str, str]
) -> None:
    channel = make_channel(harbor.lakeside, "facebook", **VENDORS)
    empty = dict.fromkeys(VENDORS, "")
    assert post(client, harbor.lead, path_of(channel), name="F", **empty | changed).status_code == 302
    channel.refresh_from_db()
    assert {name: getattr(channel, name) for name in VENDORS} == VENDORS | changed


def test_c1_the_page_says_where_no_secret_is_set(client: Client, harbor: Brokerage) -> None:
    assert "None is set." in page(client, harbor.lead, path_of(make_channel(harbor.lakeside, "realtor")))
    bare = make_channel(harbor.lakeside, "facebook")
    assert post(client, harbor.lead, path_of(bare), name="F", signing_secret="", access_token="t").status_code == 422


BOX = 'name="hidden"'
OWN_SITE = "/channels/new/?kind=agent_site"


def test_v4_the_switch_to_hide_is_only_for_who_may_hide(client: Client, harbor: Brokerage) -> None:
    assert BOX not in page(client, harbor.ana, OWN_SITE)
    refused = post(client, harbor.ana, OWN_SITE, name="Mine", owner="me", hidden="on")
    assert refused.status_code == 422
    assert "only if your profile includes hiding" in refused.content.decode()
    assert not Channel.objects.exists()
    ana = let_hide(harbor.ana)
    assert BOX in page(client, ana, OWN_SITE)
    assert post(client, ana, OWN_SITE, name="Mine", owner="me", hidden="on").status_code == 302
    assert Channel.objects.get().hidden


def test_v4_an_own_channel_is_not_hidden_later_without_the_permission(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.ana)
    assert BOX not in page(client, harbor.ana, path_of(channel))
    assert post(client, harbor.ana, path_of(channel), name="Mine", hidden="on").status_code == 422
    with pytest.raises(PermissionDenied, match="your profile includes hiding"):
        change(actor=harbor.ana, channel=channel, settings=Settings("Mine", harbor.ana, hidden=True))
    channel.refresh_from_db()
    assert (channel.name, channel.hidden) == ("Website", False)


def test_v4_a_units_channel_is_never_hidden(client: Client, harbor: Brokerage) -> None:
    ana, path = let_hide(harbor.ana), "/channels/new/?kind=json"
    owner = f"unit-{harbor.lakeside.pk}"
    assert post(client, ana, path, name="Ours", owner=owner, hidden="on").status_code == 422
    with pytest.raises(PermissionDenied, match="leads of your own"):
        connect(actor=ana, kind="json", settings=Settings("Ours", harbor.lakeside, hidden=True))
    assert not Channel.objects.exists()


# --- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", ["", "fields/"])
def test_c2_others_do_not_know_of_a_channel(client: Client, harbor: Brokerage, rest: str) -> None:
    channel = make_channel(harbor.lakeside, name="Secretchannel")
    for user in (harbor.ana, harbor.eve, stranger()):
        assert "Secretchannel" not in page(client, user, "/channels/")
        assert client.get(path_of(channel, rest)).status_code == 404
        assert client.post(path_of(channel, rest), {"name": "x"}).status_code == 404
    for user in (harbor.lead, harbor.north_admin, harbor.broker):
        assert "Secretchannel" in page(client, user, "/channels/")
        assert client.get(path_of(channel, rest)).status_code == 200


def test_c2_who_connected_it_for_her_unit_reads_address_key_and_health(client: Client, harbor: Brokerage) -> None:
    path = "/channels/new/?kind=json"
    answer = post(client, harbor.ana, path, name="Open house", owner=f"unit-{harbor.lakeside.pk}")
    channel = Channel.objects.get()
    assert answer["Location"] == path_of(channel)
    send(channel, {"name": "Maya Okafor", "email": "maya@mail.example"}, key=channel.secret)
    take_all_in()
    shown = page(client, harbor.ana, path_of(channel))
    assert channel.secret in shown
    assert "In the last 24 hours <strong>1</strong>" in shown
    assert "Okafor" not in shown
    assert 'name="do"' not in shown
    assert "Open house" in page(client, harbor.ana, "/channels/")
    assert "Okafor" in page(client, harbor.lead, path_of(channel))


def test_c2_who_connected_it_changes_nothing_and_reads_nobodys_answers(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside, created_by=harbor.ana)
    client.force_login(harbor.ana)
    assert client.get(path_of(channel, "fields/")).status_code == 403
    assert client.post(path_of(channel), {"name": "Renamed"}).status_code == 403
    for do in ("key", "forget", "close", "open"):
        assert client.post(path_of(channel, "act/"), {"do": do}).status_code == 403
    channel.refresh_from_db()
    assert (channel.name, channel.secret, channel.closed_at) == ("Website", SECRET, None)


def test_c2_nobody_else_of_the_unit_reads_it_nor_she_once_she_left(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside, created_by=harbor.ana)
    for user in (harbor.ben, harbor.dee, harbor.eve, stranger()):
        client.force_login(user)
        assert client.get(path_of(channel)).status_code == 404
        assert client.post(path_of(channel, "act/"), {"do": "close"}).status_code == 404
    Membership.objects.filter(user=harbor.ana, unit=harbor.lakeside).update(ended_at=timezone.now())
    client.force_login(harbor.ana)
    assert client.get(path_of(channel)).status_code == 404


def test_c2_a_personal_channel_is_her_own_affair(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.ana)
    assert client.get(path_of(channel)).status_code == 302
    assert page(client, harbor.ana, path_of(channel))
    client.force_login(harbor.broker)
    assert client.get(path_of(channel)).status_code == 404


# --- what is done with it ---------------------------------------------------------------------------------------------


def test_c1_a_new_key_leaves_the_old_one_good_for_a_week(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    post(client, harbor.lead, path_of(channel, "act/"), do="key")
    channel.refresh_from_db()
    assert channel.secret != SECRET
    assert send(channel, {"email": "a@mail.example"}, key=SECRET).status_code == 200
    assert send(channel, {"email": "b@mail.example"}, key=channel.secret).status_code == 200
    post(client, harbor.lead, path_of(channel, "act/"), do="forget")
    assert send(channel, {"email": "c@mail.example"}, key=SECRET).status_code == 403


def test_closing_and_opening_again(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    post(client, harbor.lead, path_of(channel, "act/"), do="close")
    assert send(channel, {"email": "a@mail.example"}).status_code == 404
    assert "This channel is closed" in page(client, harbor.lead, path_of(channel))
    post(client, harbor.lead, path_of(channel, "act/"), do="open")
    assert send(channel, {"email": "a@mail.example"}).status_code == 200


def test_settings_are_changed_and_the_owner_stays(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.north)
    answer = post(client, harbor.north_admin, path_of(channel), name="Renamed", routing_unit=harbor.hilltop.pk)
    assert answer.status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.owner, channel.routing_unit) == ("Renamed", harbor.north, harbor.hilltop)


def test_c4_what_came_is_listed_with_a_link_where_one_may_read_it(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    send(channel, {"name": "Maya Okafor", "email": "maya@mail.example"})
    take_all_in()
    assert "Maya Okafor" in page(client, harbor.lead, path_of(channel))
    hidden = make_lead(harbor.ana, hidden=True, last_name="Secretname")
    InboundLead.objects.update(lead=hidden)
    shown = page(client, harbor.lead, path_of(channel))
    assert "Secretname" not in shown
    assert "No lead that you may read" in shown


# --- inbox ------------------------------------------------------------------------------------------------------------


def test_c4_the_inbox_says_why_and_tries_again(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    send(channel, {"Kontakt <b>": "maya@mail", "Anliegen": "Garten"})
    take_all_in()
    row = InboundRequest.objects.get()
    shown = page(client, harbor.lead, "/inbox/")
    assert "There is no name, phone or e-mail in it" in shown
    assert "Garten" in shown
    assert "<b>" not in shown.partition("What was sent")[2].partition("</pre>")[0]
    assert f'value="{row.pk}"' not in page(client, harbor.eve, "/inbox/")
    assert post(client, harbor.lead, "/inbox/", again=str(row.pk)).status_code == 302
    row.refresh_from_db()
    assert row.state == "waiting"
    take_all_in()
    post(client, harbor.lead, "/inbox/", again="all")
    take_all_in()
    post(client, harbor.lead, "/inbox/", discard=str(row.pk))
    assert "Nothing waits here" in page(client, harbor.lead, "/inbox/")


def test_c4_questions_get_a_meaning_and_what_waits_is_read_by_it(client: Client, harbor: Brokerage) -> None:
    channel = make_channel(harbor.lakeside)
    send(channel, {"Wie erreichen wir Sie?": "0171 call me", "Wer": "Maya Okafor"})
    take_all_in()
    shown = page(client, harbor.lead, path_of(channel, "fields/"))
    assert "Wer" in shown
    assert "Maya Okafor" in shown
    name = next(part.split('"')[0] for part in shown.split('name="')[1:] if part.startswith("q-") and "Wer" in shown)
    client.force_login(harbor.lead)
    questions = {part.split('"')[0] for part in shown.split('name="')[1:] if part.startswith("q-")}
    assert name in questions
    assert client.post(path_of(channel, "fields/"), dict.fromkeys(questions, "name")).status_code == 302
    assert set(FieldMap.objects.get().fields.values()) == {"name"}
    post(client, harbor.lead, "/inbox/", again="all")
    take_all_in()
    assert InboundLead.objects.get().state == "created"


@pytest.mark.parametrize("body", [b"\x01\x02", b'"\xff', b"[" * 50, b"<script>alert(1)</script>"])
def test_c4_whatever_was_sent_the_inbox_shows_it_safely(client: Client, harbor: Brokerage, body: bytes) -> None:
    send(make_channel(harbor.lakeside), body)
    take_all_in()
    shown = page(client, harbor.lead, "/inbox/")
    assert "alert(1)</script>" not in shown
    assert "What was sent" in shown


@pytest.mark.parametrize("letter", ["a", '"', "<", "ä", "\U0001f3e0"])
def test_c4_a_page_of_the_inbox_stays_small_whatever_was_sent(client: Client, harbor: Brokerage, letter: str) -> None:
    channel = make_channel(harbor.lakeside)
    for number in range(12):
        send(channel, f"nonsense {number} " + letter * 20_000)
    take_all_in()
    shown = page(client, harbor.lead, "/inbox/")
    assert shown.count("<summary>What was sent") == 10
    assert shown.count(" …</pre>") == 10
    assert len(shown.encode()) < 60_000
    older = re.search(r'cursor=([^"]+)"', shown)
    assert older
    rest = page(client, harbor.lead, f"/inbox/?cursor={older[1]}")
    assert "nonsense 0 " in rest
    assert rest.count("<summary>What was sent") == 2


def test_the_lists_cost_the_same_however_much_came(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        channel = make_channel(harbor.lakeside, name=f"Channel {number}")
        send(channel, f"nonsense {number}")
    take_all_in()
    client.force_login(harbor.lead)
    for path in ("/channels/", "/inbox/", path_of(channel)):
        with django_assert_max_num_queries(16):
            assert client.get(path).status_code == 200


# --- those who leave (O4) ---------------------------------------------------------------------------------------------


def test_o4_channels_of_who_leaves_are_closed_and_come_back_with_her(harbor: Brokerage) -> None:
    channel = make_channel(harbor.ana)
    already = make_channel(harbor.ana, closed_at=timezone.now())
    kept = {r.__module__: a for r, a in signals.departing.send(sender=User, user=harbor.ana, units=None)}
    assert send(channel, {"email": "a@mail.example"}).status_code == 404
    signals.coming_back.send(sender=User, user=harbor.ana, kept=json.loads(json.dumps(kept)))
    assert send(channel, {"email": "a@mail.example"}).status_code == 200
    assert send(already, {"email": "a@mail.example"}).status_code == 404


def test_o4_she_keeps_her_channels_where_she_leaves_one_unit_only(harbor: Brokerage) -> None:
    channel = make_channel(harbor.ana)
    signals.departing.send(sender=User, user=harbor.ana, units=[harbor.lakeside.pk])
    assert send(channel, {"email": "a@mail.example"}).status_code == 200


def test_o4_channels_of_a_unit_that_closes_go_to_the_unit_above_and_back(harbor: Brokerage) -> None:
    channel, other = make_channel(harbor.lakeside), make_channel(harbor.whole, routing_unit=harbor.lakeside)
    kept = {r.__module__: a for r, a in signals.closing.send(sender=Unit, unit=harbor.lakeside)}
    for one in (channel, other):
        one.refresh_from_db()
    assert (channel.owner, channel.routing_unit) == (harbor.north, harbor.north)
    assert (other.owner, other.routing_unit) == (harbor.whole, harbor.north)
    signals.reopening.send(sender=Unit, unit=harbor.lakeside, kept=json.loads(json.dumps(kept)))
    for one in (channel, other):
        one.refresh_from_db()
    assert (channel.owner, channel.routing_unit) == (harbor.lakeside, harbor.lakeside)
    assert (other.owner, other.routing_unit) == (harbor.whole, harbor.lakeside)
