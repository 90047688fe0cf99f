"""ADF by e-mail (C3): whatever it is wrapped in, by the same door as what comes by HTTP; kept, or refused in words."""

from __future__ import annotations

import io
import os
import sys
from base64 import encodebytes
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from leads.models import Activity, ContactPoint, Lead
from routing.capture.mail import STRAY, RefusedMailError, address_of, receive
from routing.capture.storing import LARGEST, refused_of
from routing.models import Channel, InboundLead, InboundRequest
from tests.factories.scenes import Brokerage
from tests.routing.capture.scenes import make_channel, send, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
ADF = """<?xml version="1.0"?><adf><prospect><customer><contact>
<name part="first">Zoë</name><name part="last">Ångström 🙂</name>
<email>zoe@mail.example</email></contact><comments>Is it free — today?</comments></customer></prospect></adf>"""


@pytest.fixture(autouse=True)
def _configured(settings: Any) -> None:
    settings.LEADS_MAIL = "{}@leads.example"


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


@pytest.fixture
def channel(harbor: Brokerage) -> Channel:
    return make_channel(harbor.lakeside, "adf", name="Auto leads")


def mail(to: str, adf: str | None = ADF, **headers: str) -> EmailMessage:
    """A mail with the ADF as its text, if any."""
    message = EmailMessage()
    given = {
        "From": "vendor@cars.example",
        "Subject": "New lead",
        "Message-ID": "<1@cars.example>",
        "To": to,
        **headers,
    }
    for name, value in given.items():
        message[name.replace("_", "-")] = value
    if adf is not None:
        message.set_content(adf)
    return message


def attached(message: EmailMessage, adf: bytes, kind: str = "application/x-adf", **params: Any) -> EmailMessage:
    main, _, sub = kind.partition("/")
    message.add_attachment(adf, maintype=main, subtype=sub, filename="lead.xml", **params)
    return message


def wrapped(how: str, to: str) -> bytes:
    """The same lead, as different programs mail it."""
    data = ADF.encode()
    head = f"To: {to}\r\nMIME-Version: 1.0\r\n".encode()
    if how == "text":
        return mail(to).as_bytes()
    if how == "quoted-printable":
        message = mail(to, None)
        message.set_content(ADF, cte="quoted-printable")
        return message.as_bytes()
    if how == "base64":
        return head + b"Content-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encodebytes(data)
    if how == "8bit without a word":
        return head + b"\r\n" + data
    if how == "utf-16":
        coded = encodebytes(ADF.encode("utf-16"))
        return head + b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n" + coded
    if how == "a charset nobody knows":
        return head + b"Content-Type: text/plain; charset=klingon-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + data
    if how == "attached":
        return attached(mail(to, "See what is attached."), data).as_bytes()
    if how == "attached as xml":
        return attached(mail(to, "Hello"), data, "text/xml").as_bytes()
    if how == "both as text and attached":
        return attached(mail(to), data + b"\n").as_bytes()
    if how == "sent on":
        outer = mail(to, "See below")
        outer.add_attachment(mail("someone@cars.example"))
        return outer.as_bytes()
    assert how == "escaped"
    return mail(to, ADF.replace("<", "&lt;").replace(">", "&gt;")).as_bytes()


HOW = (
    *("text", "quoted-printable", "base64", "8bit without a word", "utf-16", "a charset nobody knows", "attached"),
    *("attached as xml", "both as text and attached", "sent on", "escaped"),
)


@pytest.mark.parametrize("how", HOW)
def test_c3_adf_by_mail_becomes_the_lead_whatever_it_is_wrapped_in(channel: Channel, how: str) -> None:
    assert receive(wrapped(how, address_of(channel))) == [channel]
    take_all_in()
    lead = Lead.objects.get()
    assert (lead.first_name, lead.last_name, lead.owner) == ("Zoë", "Ångström 🙂", channel.owner)
    assert ContactPoint.objects.get(lead=lead).value == "zoe@mail.example"
    assert "Is it free — today?" in Activity.objects.get(lead=lead, kind="inquiry").body
    assert InboundLead.objects.get().state == "created"


def test_c4_the_same_mail_twice_makes_one_lead(channel: Channel) -> None:
    to = address_of(channel)
    for way in ("one.example", "two.example"):
        receive(mail(to, Received=f"from {way}").as_bytes())
        take_all_in()
    assert InboundRequest.objects.get().times == 2
    assert Lead.objects.count() == 1
    assert Activity.objects.filter(kind="inquiry").count() == 1


def test_c4_the_same_lead_by_mail_and_by_http_is_one(channel: Channel) -> None:
    adf = ADF.replace("<prospect>", '<prospect><id source="cars">77</id>')
    receive(mail(address_of(channel), adf).as_bytes())
    send(channel, adf, "text/xml")
    take_all_in()
    assert (InboundRequest.objects.count(), Lead.objects.count(), InboundLead.objects.count()) == (2, 1, 1)


def test_c3_two_documents_are_two_leads(channel: Channel) -> None:
    message = attached(mail(address_of(channel), "Two of them"), ADF.encode())
    attached(message, ADF.replace("zoe@", "yan@").replace("Zoë", "Yan").encode())
    receive(message.as_bytes())
    take_all_in()
    assert set(Lead.objects.values_list("first_name", flat=True)) == {"Zoë", "Yan"}


def test_c3_it_counts_as_received(channel: Channel, client: Client, harbor: Brokerage) -> None:
    receive(mail(address_of(channel)).as_bytes())
    client.force_login(harbor.lead)
    html = client.get("/channels/").content.decode()
    assert "Works" in html


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered-To", "X-Original-To"])
def test_c3_the_channel_is_found_by_where_it_was_sent(channel: Channel, header: str) -> None:
    to = address_of(channel)
    message = mail("sales@cars.example")
    del message[header]
    message[header] = f'"Leads, new" <{to.upper()}>, other@cars.example'
    assert receive(message.as_bytes()) == [channel]


def test_c3_one_address_for_all_has_the_id_behind_a_plus(channel: Channel, settings: Any) -> None:
    settings.LEADS_MAIL = "leads+{}@crm.example"
    assert address_of(channel) == f"leads+{channel.public_id}@crm.example"
    assert receive(mail(address_of(channel)).as_bytes()) == [channel]
    with pytest.raises(RefusedMailError):
        receive(mail(f"{channel.public_id}@crm.example").as_bytes())


def test_c3_a_mail_to_two_channels_is_for_both(channel: Channel, harbor: Brokerage) -> None:
    other = make_channel(harbor.hilltop, "adf")
    assert receive(mail(f"{address_of(channel)}, {address_of(other)}").as_bytes()) == [channel, other]
    assert InboundRequest.objects.count() == 2


@pytest.mark.parametrize(
    "to",
    [
        "{id}@other.example",
        "{id}@leads.example.com",
        "x{id}@leads.example",
        "nobodyatall0@leads.example",
        "",
        "\udcff@x",
    ],
)
def test_c3_a_mail_for_no_channel_is_refused_and_counted(channel: Channel, to: str) -> None:
    from django.core.cache import cache

    raw = f"To: {to.format(id=channel.public_id)}\n\n{ADF}".encode(errors="surrogateescape")
    with pytest.raises(RefusedMailError, match="no channel") as refusal:
        receive(raw)
    assert refusal.value.status == os.EX_NOUSER
    assert cache.get(STRAY) == 1
    assert not InboundRequest.objects.exists()


def test_c3_only_channels_of_adf_have_an_address(harbor: Brokerage, settings: Any) -> None:
    other = make_channel(harbor.lakeside, "json")
    assert address_of(other) == ""
    with pytest.raises(RefusedMailError):
        receive(mail(f"{other.public_id}@leads.example").as_bytes())


def test_c3_a_closed_channel_refuses_and_says_so(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(closed_at="2026-01-01T00:00Z")
    with pytest.raises(RefusedMailError, match="closed"):
        receive(mail(address_of(channel)).as_bytes())
    assert (refused_of(channel), InboundRequest.objects.count()) == (1, 0)


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_c5_what_is_too_large_is_refused(channel: Channel) -> None:
    raw = mail(address_of(channel)).as_bytes()
    for size in (LARGEST + 1, 10 * LARGEST):
        with pytest.raises(RefusedMailError, match="1 MB") as refusal:
            receive(raw + b"x" * (size - len(raw)))
        assert refusal.value.status == os.EX_DATAERR
    assert (refused_of(channel), InboundRequest.objects.count()) == (2, 0)


BOMB = '<!DOCTYPE adf [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + ADF.replace("Zoë", "&b;")
HOSTILE = {
    "an XML bomb": f"\n{BOMB}".encode(),
    "no body": b"",
    "nothing but text": b"\nHello, is it free?",
    "NUL": b"\n" + ADF[:200].encode() + b"\0\0\0",
    "a broken middle": b"\n" + ADF.replace("</contact>", "").replace("</adf>", "").encode()[:-20],
    "bytes that are no text": b"Content-Type: application/x-adf\n\n" + bytes(range(256)) * 20,
    "base64 that is none": b"Content-Type: text/xml\nContent-Transfer-Encoding: base64\n\n<prospect>!!!",
    "a type of strange letters": b"Content-Type: text/\0x\xff\xfeml; charset=\0\xff\n\n<prospect>",
    "a mail in a mail in a mail": b"Content-Type: message/rfc822\n\n" * 3000,
    "parts in parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(3000)
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_c4_what_cannot_be_read_is_kept_and_waits_with_its_error(channel: Channel, what: str) -> None:
    raw = f"To: {address_of(channel)}\n".encode() + HOSTILE[what]
    assert receive(raw) == [channel]
    take_all_in()
    row = InboundRequest.objects.get()
    assert (row.state, Lead.objects.count()) == ("unreadable", 0)
    assert row.error
    assert "\0" not in row.content_type
    if "prospect" not in HOSTILE[what].decode(errors="replace"):
        assert bytes(row.body) == raw


def test_nul_bytes_within_do_no_harm(channel: Channel) -> None:
    receive(f"To: {address_of(channel)}\n\n{ADF}".replace("Zoë", "Z\0oe").encode())
    take_all_in()
    assert Lead.objects.get().first_name == "Zoe"


# --- the command ------------------------------------------------------------------------------------------------------


def command(monkeypatch: pytest.MonkeyPatch, raw: bytes, *arguments: str) -> str:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    call_command("receive_mail", *arguments, stdout=out)
    return out.getvalue()


def test_c3_a_mail_server_hands_it_over(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(monkeypatch, mail(address_of(channel)).as_bytes()) == "received for Auto leads\n"
    blind = mail("sales@cars.example", ADF.replace("zoe@", "yan@")).as_bytes()
    assert "Auto leads" in command(monkeypatch, blind, "--to", address_of(channel))
    assert InboundRequest.objects.count() == 2


@pytest.mark.parametrize(("size", "status"), [(100, os.EX_NOUSER), (3 * LARGEST, os.EX_DATAERR)])
def test_c3_what_it_refuses_it_says_by_its_exit_status(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, size: int, status: int
) -> None:
    to = address_of(channel) if size > LARGEST else "nobody@leads.example"
    with pytest.raises(CommandError) as refusal:
        command(monkeypatch, mail(to, "x\n" * (size // 2)).as_bytes())
    assert refusal.value.returncode == status


def test_c3_without_an_address_set_up_it_takes_nothing(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LEADS_MAIL = ""
    with pytest.raises(CommandError, match="LEADS_MAIL"):
        command(monkeypatch, b"To: x\n\n")
    assert address_of(channel) == ""


# --- its page ---------------------------------------------------------------------------------------------------------


def test_c3_the_page_of_the_channel_says_where_to_mail(
    channel: Channel, client: Client, harbor: Brokerage, settings: Any
) -> None:
    client.force_login(harbor.lead)
    path = f"/channels/{channel.public_id}/"
    assert address_of(channel) in client.get(path).content.decode()
    settings.LEADS_MAIL = ""
    assert "LEADS_MAIL" in client.get(path).content.decode()
    other = make_channel(harbor.lakeside, "json")
    assert "By e-mail" not in client.get(f"/channels/{other.public_id}/").content.decode()
