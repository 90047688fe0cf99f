"""C3: each sample, exactly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routing.capture.formats.inquiry import FORMATS, PLACES, Agent, Inquiry, Pointer, questions, read
from tests.routing.capture.formats.senders import FORMAT_OF, body_of, read_sample, type_of

ANA = Agent("Ana Reyes", "ana@harbor.example", "512-555-0101")
EXPECTED = {
    "facebook_lead.json": Inquiry(
        external_id="555971704561545",
        fields={"first_name": "Marisol", "last_name": "Vega-Ortiz", "postal_code": "78704"},
        phones=("+15125550148",),
        emails=("marisol.vega@example.org",),
        about={"When are you planning to move?": "within 3 months"},
        extra={"Form ID": "551111744595541"},
        happened_at=datetime(2026, 11, 21, 15, 59, 58, tzinfo=UTC),
    ),
    "zillow_rental.form": Inquiry(
        fields={"kind": "renter", "first_name": "Devon", "last_name": "Achebe"},
        phones=("(773) 555-0162",),
        emails=("devon.achebe@example.net",),
        message="Is this still available? I can tour <after 5>.",
        about={
            "Property": "1408 W Argyle St, Unit 3R, Chicago, IL 60640",
            "Listing": "2074531",
            "Zillow listing": "zm-88121",
            "Move date": "January 15, 2027",
            "Bedrooms": "2",
            "Bathrooms": "1.5",
            "Neighborhoods": "Uptown,Andersonville",
            "Property types": "apartment",
            "Lease in months": "12",
            "Introduction": "Two adults, one cat",
        },
        asked={
            "street": "1408 W Argyle St",
            "unit": "3R",
            "city": "Chicago",
            "state": "IL",
            "postal_code": "60640",
        },
        extra={
            "Smoker": "false",
            "Parking type desired": "street",
            "Income yearly": "84000",
            "Credit score min": "720",
            "Credit score max": "799",
            "Pet details type": "cat",
            "Pet details count": "1",
            "Lead type": "tourRequest",
        },
        agent=Agent(email="ana@harbor.example"),
    ),
    "zillow_contact.json": Inquiry(
        external_id="ZLC-31f0a9",
        fields={"kind": "buyer", "first_name": "Tobias", "last_name": "Lindqvist"},
        phones=("512.555.0177",),
        emails=("TLindqvist@Example.com",),
        message="Can I see it on Sunday?",
        about={"Property": "2201 Barton Hills Dr, Austin, TX 78704", "Price": "735,000"},
        asked={
            "street": "2201 Barton Hills Dr",
            "city": "Austin",
            "state": "TX",
            "postal_code": "78704",
            "price": 735_000,
        },
        extra={"Type": "simple", "Source": "Zillow Home Loans", "Has agent": "no"},
        agent=ANA,
        happened_at=datetime(2026, 11, 21, 16, 3, 11, tzinfo=UTC),
    ),
    "realtor_flat.json": Inquiry(
        external_id="rdc-90210-7741",
        fields={
            "kind": "buyer",
            "first_name": "Wen",
            "last_name": "Castellanos",
            "price_min": 800_000,
            "price_max": 950_000,
        },
        phones=("8475550119",),
        emails=("wen.c@example.com",),
        source="Realtor.com",
        message="I'd like more information.",
        about={
            "Property": "77 Lake Ave, Wilmette, IL 60091",
            "Price": "899,000",
            "Beds": "4",
            "Baths": "2.5",
            "MLS": "11998877",
            "Link": "https://example.com/l/11998877",
            "Pre approved": "yes",
            "Budget": "800,000 – 950,000",
        },
        asked={
            "street": "77 Lake Ave",
            "city": "Wilmette",
            "state": "IL",
            "postal_code": "60091",
            "price": 899_000,
        },
        extra={"Probability to transact": "0.62"},
        agent=Agent("Ben Okafor", "ben@harbor.example"),
        happened_at=datetime(2026, 11, 21, 16, 15, 2, tzinfo=UTC),
    ),
    "realtor_nested.json": Inquiry(
        external_id="rdc-55-1002",
        fields={"kind": "buyer", "first_name": "Priyanka", "last_name": "O'Dell"},
        phones=("(609) 555-0133",),
        emails=("p.odell@example.org",),
        source="Realtor.com",
        about={"Property": "9 Quarry Rd, Princeton, NJ 08540", "Price": "410,000"},
        asked={
            "street": "9 Quarry Rd",
            "city": "Princeton",
            "state": "NJ",
            "postal_code": "08540",
            "price": 410_000,
        },
    ),
    "events.json": Inquiry(
        fields={"kind": "buyer", "first_name": "Lucía", "last_name": "Nakamura"},
        phones=("+1 737 555 0190",),
        emails=("lucia.n@example.com", "ln-work@example.com"),
        tags=("vip", "relocation"),
        source="HarborHomes.example",
        message="Is the garage heated?",
        about={
            "Property": "5 Cove Ln, Austin, TX 78701",
            "MLS": "5512344",
            "Price": "1,250,000",
            "Page": "https://harborhomes.example/5-cove-ln",
        },
        asked={"street": "5 Cove Ln", "city": "Austin", "state": "TX", "postal_code": "78701", "price": 1_250_000},
        extra={"System": "HarborSite", "Phones type": "mobile"},
        utm={"source": "google", "medium": "cpc", "campaign": "austin-condos"},
        happened_at=datetime(2026, 11, 21, 16, 20, tzinfo=UTC),
        event="Property Inquiry",
    ),
    "adf.xml": Inquiry(
        external_id="PF-20261121-17",
        fields={
            "first_name": "Róisín",
            "last_name": "Delacroix-Hume",
            "street": "31 Wharf Rd",
            "city": "Austin",
            "state": "TX",
            "postal_code": "78702",
        },
        phones=("512-555-0142", "+353 85 555 0142"),
        emails=("roisin@example.ie",),
        source="Partner Feed Inc",
        message="Looking for 3+ beds & a yard <budget 600k>",
        extra={
            "Status": "new",
            "ID source": "PartnerFeed",
            "Phone type": "voice; cellphone",
            "Phone time": "evening",
            "Address type": "home",
            "Address country": "US",
            "Provider service": "ADF relay",
        },
        agent=Agent("Harbor Realty", "leads@harbor.example"),
        happened_at=datetime(2026, 11, 21, 14, 47, 50, tzinfo=UTC),
    ),
    "website_form.form": Inquiry(
        fields={"first_name": "João", "last_name": "Prescott"},
        phones=("512-555-0155",),
        emails=("joao.prescott@example.com",),
        message="Please call me after 6pm",
        utm={"source": "newsletter", "campaign": "fall"},
        consent="tcpa-2026-01",
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_c3_each_sample_is_read_exactly(name: str) -> None:
    assert read_sample(name) == EXPECTED[name]


def test_c3_facebooks_batch_points_to_each_lead_once() -> None:
    body = body_of("facebook_leadgen.json")
    expected = [Pointer(f"55597170456154{n}", "551111744595541", "516540199134611") for n in (5, 6)]
    assert read("facebook", body, "application/json") == expected
    again = body.replace(b"555971704561546", b"555971704561545")
    assert read("facebook", again, "application/json") == expected[:1]


def test_every_format_has_a_sample() -> None:
    assert set(FORMATS) == {*FORMAT_OF.values(), "json"}


@pytest.mark.parametrize("name", EXPECTED)
def test_c4_each_question_of_a_sample_can_be_mapped(name: str) -> None:
    """An inbox offers them with their answers; each goes where it is mapped to."""
    asked = questions(FORMAT_OF[name], body_of(name), type_of(name))
    question, answer = next((key, text) for key, text in asked.items() if "mail" in key.lower() and "@" in text)
    found = read(FORMAT_OF[name], body_of(name), type_of(name), {question: "custom:reach"})[0]
    assert isinstance(found, Inquiry)
    assert answer in found.custom["reach"]
    assert {"message", "phone", "budget", "first_name"} <= set(PLACES)
