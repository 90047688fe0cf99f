"""Each sample from the request to the lead: whose, from where, with whom, in what words; twice is once; broken it waits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from crm.organization.models import User
from leads.models import Activity, ContactPoint, Lead
from permissions.models import LedgerEntry
from routing.capture.fetching import fetch_next
from routing.capture.inbox import try_again
from routing.capture.mapping import asked, forms_of, set_mapping
from routing.models import Channel, InboundRequest, Offer
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage
from tests.routing.capture.formats.senders import FORMAT_OF, PEOPLE, body_of, type_of
from tests.routing.capture.graphs import Graph
from tests.routing.capture.scenes import let_hide, make_channel, send, signed, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 21, tzinfo=UTC)
NEWS = body_of("facebook_leadgen.json").replace(b"555971704561546", b"555971704561545")  # one lead, told of twice


@dataclass(frozen=True)
class Made:
    """The lead of a sample: who it is and how to reach her, words on its timeline; `agent` is whom the vendor names."""

    name: str
    reach: set[str]
    source: str
    words: tuple[str, ...]
    kind: str = ""
    at: datetime | None = None
    agent: str = ""


EXPECTED = {
    "facebook_lead.json": Made(
        "Marisol Vega-Ortiz",
        {"marisol.vega@example.org", "+15125550148"},
        "Facebook",
        ("When are you planning to move?: within 3 months",),
        at=AT.replace(hour=15, minute=59, second=58),
    ),
    "zillow_rental.form": Made(
        "Devon Achebe",
        {"devon.achebe@example.net", "+17735550162"},
        "Zillow",
        ("Is this still available? I can tour <after 5>.", "Move date: January 15, 2027", "Credit score min: 720"),
        kind="renter",
        agent="ana",
    ),
    "zillow_contact.json": Made(
        "Tobias Lindqvist",
        {"tlindqvist@example.com", "+15125550177"},
        "Zillow",
        ("Can I see it on Sunday?", "Property: 2201 Barton Hills Dr, Austin, TX 78704", "Agent named: Ana Reyes"),
        kind="buyer",
        at=AT.replace(hour=16, minute=3, second=11),
        agent="ana",
    ),
    "realtor_flat.json": Made(
        "Wen Castellanos",
        {"wen.c@example.com", "+18475550119"},
        "Realtor.com",
        ("I'd like more information.", "Budget: 800,000 – 950,000", "MLS: 11998877"),
        kind="buyer",
        at=AT.replace(hour=16, minute=15, second=2),
        agent="ben",
    ),
    "realtor_nested.json": Made(
        "Priyanka O'Dell",
        {"p.odell@example.org", "+16095550133"},
        "Realtor.com",
        ("Property: 9 Quarry Rd, Princeton, NJ 08540",),
        kind="buyer",
    ),
    "events.json": Made(
        "Lucía Nakamura",
        {"lucia.n@example.com", "ln-work@example.com", "+17375550190"},
        "HarborHomes.example",
        ("Property Inquiry", "Is the garage heated?", "campaign: austin-condos"),
        kind="buyer",
        at=AT.replace(hour=16, minute=20),
    ),
    "adf.xml": Made(
        "Róisín Delacroix-Hume",
        {"roisin@example.ie", "+15125550142", "+353855550142"},
        "Partner Feed Inc",
        ("Looking for 3+ beds & a yard <budget 600k>", "Agent named: Harbor Realty"),
        at=AT.replace(hour=14, minute=47, second=50),
    ),
    "website_form.form": Made(
        "João Prescott",
        {"joao.prescott@example.com", "+15125550155"},
        "Website",
        ("Please call me after 6pm", "Consent given to: tcpa-2026-01", "source: newsletter"),
    ),
}
# who somebody is and how to reach her, under names that say nothing: what is sent → what it is sent as
WHO, REACH = ("first_name", "last_name", "name"), ("email", "phone")
GARBLED: dict[str, dict[str, tuple[bytes, bytes]]] = {
    "facebook_lead.json": {
        "name": (b'"full_name"', b'"q1"'),
        "email": (b'"email"', b'"q3"'),
        "phone": (b'"phone_number"', b'"q4"'),
    },
    "zillow_rental.form": {
        "name": (b"&name=", b"&q1="),
        "email": (b"&email=", b"&q3="),
        "phone": (b"&phone=", b"&q4="),
    },
    "zillow_contact.json": {
        "first_name": (b'"firstName":"T', b'"q1":"T'),
        "last_name": (b'"lastName":"L', b'"q2":"L'),
        "email": (b'"emailAddress":"T', b'"q3":"T'),
        "phone": (b'"phoneNumber":"512.', b'"q4":"512.'),
    },
    "realtor_flat.json": {
        "first_name": (b'"first_name"', b'"q1"'),
        "last_name": (b'"last_name"', b'"q2"'),
        "email": (b'"email":"wen', b'"q3":"wen'),
        "phone": (b'"phone":"8475550119"', b'"q4":"847-555-0119"'),
    },
    "realtor_nested.json": {
        "first_name": (b'"first_name"', b'"q1"'),
        "last_name": (b'"last_name"', b'"q2"'),
        "email": (b'"email"', b'"q3"'),
        "phone": (b'"phone"', b'"q4"'),
    },
    "events.json": {
        "first_name": (b'"firstName"', b'"q1"'),
        "last_name": (b'"lastName"', b'"q2"'),
        "email": (b'"emails"', b'"q3"'),
        "phone": (b'"phones"', b'"q4"'),
    },
    "adf.xml": {
        "first_name": (
            b'<name part="first" type="individual">R\xc3\xb3is\xc3\xadn</name>',
            b"<q1>R\xc3\xb3is\xc3\xadn</q1>",
        ),
        "last_name": (b'<name part="last" type="individual">Delacroix-Hume</name>', b"<q2>Delacroix-Hume</q2>"),
        "email": (b"<email>roisin@example.ie</email>", b"<q3>roisin@example.ie</q3>"),
        "phone": (
            b'<phone type="voice" time="evening">512-555-0142</phone><phone type="cellphone">+353 85 555 0142</phone>',
            b"<q4>512-555-0142</q4><q4>+353 85 555 0142</q4>",
        ),
    },
    "website_form.form": {
        "first_name": (b"first_name=", b"q1="),
        "last_name": (b"last_name=", b"q2="),
        "email": (b"&email=", b"&q3="),
        "phone": (b"&phone=", b"&q4="),
    },
}


@pytest.fixture
def harbor() -> Brokerage:
    """Ana and Ben are whom the samples name."""
    harbor = lakeside()
    for name in ("ana", "ben"):
        person = getattr(harbor, name)
        User.objects.filter(pk=person.pk).update(email=f"{name}@harbor.example")
        setattr(harbor, name, fresh(person))
    return harbor


def channel_for(name: str, owner: Any, **fields: Any) -> Channel:
    """The channel that takes the sample."""
    kind = {"form": "website"}.get(FORMAT_OF[name], FORMAT_OF[name])
    token = {"signing_secret": "app-secret", "access_token": "token"} if kind == "facebook" else {}
    return make_channel(owner, kind, **{**token, **fields})


def comes(name: str, channel: Channel, body: bytes, graph: Graph) -> None:
    """The sample as it is sent, signed or with its key, and read; Facebook's is fetched after news of it came."""
    if channel.kind == Channel.Kind.FACEBOOK:
        graph.answers = {"555971704561545": json.loads(body)}
        body, content_type, key = NEWS, "application/json", {"X-Hub-Signature-256": signed(NEWS, "app-secret")}
        assert send(channel, body, content_type, key="", **key).status_code == 200
    else:
        assert send(channel, body, type_of(name)).status_code == 200
    take_in()


def take_in() -> None:
    take_all_in()
    while fetch_next():
        take_all_in()


def garbled(name: str, fields: tuple[str, ...]) -> bytes:
    body = body_of(name)
    for field, (sent, instead) in GARBLED[name].items():
        if field in fields:
            assert body.count(sent) == 1, (name, sent)
            body = body.replace(sent, instead)
    return body


def mend(harbor: Brokerage, name: str, channel: Channel) -> None:
    """As somebody does who sees the questions with their answers in the inbox: say what each means, and try again."""
    [form] = forms_of(channel)
    meant = {
        instead.decode().strip('"&<=>').partition(">")[0][:2]: field for field, (_, instead) in GARBLED[name].items()
    }
    questions = {key: [meant[part] for part in key.split(".") if part in meant] for key in asked(channel, form)}
    set_mapping(
        actor=harbor.lead, channel=channel, form_id=form, fields={key: to[0] for key, to in questions.items() if to}
    )
    waiting = InboundRequest.objects.managed_by(harbor.lead).in_inbox()
    assert try_again(actor=harbor.lead, request_ids=list(waiting.values_list("pk", flat=True))) == 1
    take_in()


def the_lead(name: str) -> Lead:
    """The one lead there is: who it is, and what is said of it on its timeline, once."""
    [lead], made = (
        Lead.objects.select_related("source", "owner_unit", "owner_user", "agent").order_by("pk"),
        EXPECTED[name],
    )
    assert (lead.name, str(lead.source), lead.kind) == (made.name, made.source, made.kind)
    assert set(ContactPoint.objects.filter(lead=lead).values_list("value", flat=True)) == made.reach
    said = Activity.objects.get(kind="inquiry")
    assert (said.lead, said.direction, said.automatic) == (lead, "in", True)
    assert all(words in said.body for words in made.words), said.body
    assert said.at == made.at if made.at and made.at < timezone.now() else said.at <= timezone.now()
    assert LedgerEntry.objects.filter(kind="created", lead_id=lead.pk).count() == 1
    assert not InboundRequest.objects.filter(state="waiting").exists()
    return lead


def check_routed(harbor: Brokerage, name: str) -> None:
    """The unit's, from the unit, with the agent who is named; else offered to whoever is next."""
    lead, named = the_lead(name), EXPECTED[name].agent
    assert (lead.owner, lead.origin, lead.origin_unit, lead.hidden) == (
        harbor.lakeside,
        "company",
        harbor.lakeside,
        False,
    )
    assert lead.agent == getattr(harbor, named or "ana")
    assert [offer.user for offer in Offer.objects.order_by("pk")] == ([] if named else [harbor.ana])


@pytest.mark.parametrize("name", PEOPLE)
def test_c3_a_sample_becomes_the_units_lead_and_twice_is_once(harbor: Brokerage, graph: Graph, name: str) -> None:
    channel = channel_for(name, harbor.lakeside)
    for _ in range(2):
        comes(name, channel, body_of(name), graph)
        check_routed(harbor, name)


@pytest.mark.parametrize("name", PEOPLE)
def test_c1_a_sample_becomes_a_persons_own_lead_whoever_is_named(harbor: Brokerage, graph: Graph, name: str) -> None:
    channel = channel_for(name, let_hide(harbor.ben), hidden=True)
    for _ in range(2):
        comes(name, channel, body_of(name), graph)
        lead = the_lead(name)
        assert (lead.owner, lead.origin, lead.origin_unit, lead.hidden) == (harbor.ben, "agent", None, True)
        assert (lead.agent, Offer.objects.count()) == (None, 0)


@pytest.mark.parametrize("fields", [(*WHO, *REACH), REACH])
@pytest.mark.parametrize("name", PEOPLE)
def test_c4_a_sample_with_its_questions_renamed_waits_until_they_are_mapped(
    harbor: Brokerage, graph: Graph, name: str, fields: tuple[str, ...]
) -> None:
    """A name alone does not do where something else in it may say how to reach her."""
    channel = channel_for(name, harbor.lakeside)
    for _ in range(2):
        comes(name, channel, garbled(name, fields), graph)
        assert not Lead.objects.exists()
        assert InboundRequest.objects.managed_by(harbor.lead).in_inbox().count() == 1
    mend(harbor, name, channel)
    check_routed(harbor, name)
    comes(name, channel, garbled(name, fields), graph)
    check_routed(harbor, name)


def halves(body: bytes) -> bytes:
    return body[: len(body) // 2]


def without_its_middle(body: bytes) -> bytes:
    quarter = len(body) // 4
    return body[:quarter] + body[3 * quarter :]


@pytest.mark.parametrize("breaks", [halves, without_its_middle])
@pytest.mark.parametrize(
    "name", [name for name in FORMAT_OF if not name.endswith(".form") and name != "facebook_lead.json"]
)
def test_c4_a_sample_cut_in_the_middle_waits_and_the_whole_is_made_once(
    harbor: Brokerage, graph: Graph, name: str, breaks: Any
) -> None:
    """Nobody can tell what is missing: tried again it waits on, and nothing of it is made when the whole has come."""
    channel = channel_for(name, harbor.lakeside)
    broken = breaks(body_of(name))
    headers = {"X-Hub-Signature-256": signed(broken, "app-secret")} if channel.kind == "facebook" else {}
    send(channel, broken, type_of(name), **headers)
    for _ in range(2):
        take_in()
        waiting = InboundRequest.objects.managed_by(harbor.lead).in_inbox().get()
        assert waiting.error
        assert not Lead.objects.exists()
        assert try_again(actor=harbor.lead, request_ids=[waiting.pk]) == 1
    whole = "facebook_lead.json" if channel.kind == "facebook" else name
    comes(whole, channel, body_of(whole), graph)
    check_routed(harbor, whole)


def test_c4_facebooks_answer_cut_in_the_middle_is_fetched_anew(harbor: Brokerage, graph: Graph) -> None:
    channel, whole = channel_for("facebook_lead.json", harbor.lakeside), body_of("facebook_lead.json")
    comes("facebook_lead.json", channel, b'{"id": "555971704561545", "field_data": [{"name": "full_name"}]}', graph)
    [waiting] = InboundRequest.objects.managed_by(harbor.lead).in_inbox()
    graph.answers = {"555971704561545": json.loads(whole)}
    assert try_again(actor=harbor.lead, request_ids=[waiting.pk]) == 1
    take_in()
    check_routed(harbor, "facebook_lead.json")
