"""Where somebody may be (D14): by number, by postal code, by a zone set by hand; kept for every lead under every write."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from phonenumbers import parse
from phonenumbers.timezone import time_zones_for_geographical_number

from dialer.models import AreaZone, Dialing, PostalZone, ZoneSet, ZoneSource
from dialer.services import zones
from dialer.services.gates import places_of
from dialer.states import STATES
from leads.models import ContactPoint, Lead
from leads.services.creating import add_contact_points
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
PHOENIX, DALLAS, TOLL_FREE, BERLIN = "+16025550100", "+12145550100", "+18005550100", "+493012345678"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def known(lead: Lead) -> tuple[str, str, list[str], list[str]]:
    one = Dialing.objects.get(lead=lead)
    sets = dict(ZoneSet.objects.filter(pk__in=[one.by_number, one.by_place]).values_list("pk", "zones"))
    return one.number, one.state, sets[one.by_number], sets[one.by_place]


def test_d14_a_number_says_where_by_its_longest_prefix() -> None:
    for number in (PHOENIX, DALLAS, BERLIN, "+12089550100", "+61891234567", "+74951234567"):
        zones_there = sorted(time_zones_for_geographical_number(parse(number)))
        lead = Lead(postal_code="", state="", time_zone="")
        assert places_of(lead, [number], "UTC")[number].zones == zones_there


@pytest.mark.parametrize(
    ("number", "fields", "expected", "by_unit"),
    [
        (PHOENIX, {}, ["America/Phoenix"], False),
        (PHOENIX, {"postal_code": "85004"}, ["America/Phoenix"], False),
        (PHOENIX, {"postal_code": "10001-1234"}, ["America/New_York", "America/Phoenix"], False),
        (PHOENIX, {"postal_code": "10001", "time_zone": "Europe/Paris"}, ["Europe/Paris"], False),
        (
            PHOENIX,
            {"postal_code": "10001", "time_zone": "Nowhere/Such"},
            ["America/New_York", "America/Phoenix"],
            False,
        ),
        (BERLIN, {"postal_code": "10115"}, ["Europe/Berlin"], False),
        (TOLL_FREE, {"postal_code": "85004"}, ["America/Phoenix"], False),
        (TOLL_FREE, {}, ["America/New_York"], True),
        ("", {"postal_code": "nonsense"}, ["America/New_York"], True),
    ],
)
def test_d14_the_evidence(number: str, fields: dict[str, str], expected: list[str], by_unit: bool) -> None:
    lead = Lead(**({"postal_code": "", "state": "", "time_zone": ""} | fields))
    place = places_of(lead, [number], "America/New_York")[number]
    assert (place.zones, place.by_unit) == (expected, by_unit)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": "tx"}, "TX"),
        ({"state": " Texas "}, "TX"),
        ({"state": "texas", "postal_code": "10001"}, "TX"),
        ({"postal_code": "10001"}, "NY"),
        ({"state": "Bavaria"}, ""),
        ({}, ""),
    ],
)
def test_d14_the_state_is_the_leads_own_or_that_of_its_postal_code(fields: dict[str, str], expected: str) -> None:
    lead = Lead(**({"postal_code": "", "state": "", "time_zone": ""} | fields))
    assert places_of(lead, [PHOENIX], "UTC")[PHOENIX].state == expected


def test_d14_every_state_is_known_by_its_name() -> None:
    for letters, name in STATES.items():
        lead = Lead(postal_code="", state=name.upper(), time_zone="")
        assert places_of(lead, [PHOENIX], "UTC")[PHOENIX].state == letters


def test_d14_what_is_known_of_a_lead_follows_every_change(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=["602 555 0100", "214 555 0100"], state="AZ")
    phoenix, chicago = ["America/Phoenix"], ["America/Chicago"]
    assert known(lead) == (PHOENIX, "AZ", phoenix, phoenix)

    Lead.objects.filter(pk=lead.pk).update(postal_code="75201", state="")
    assert known(lead) == (PHOENIX, "TX", phoenix, chicago)

    ContactPoint.objects.filter(lead=lead, value=PHOENIX).delete()
    assert known(lead) == (DALLAS, "TX", chicago, chicago)

    Lead.objects.filter(pk=lead.pk).update(time_zone="America/New_York")
    assert known(lead)[2:] == (["America/New_York"], ["America/New_York"])

    ContactPoint.objects.filter(lead=lead).delete()
    assert not Dialing.objects.filter(lead=lead).exists()

    add_contact_points(lead, "US", ["602 555 0100"], ["a@b.example"])
    ContactPoint.objects.filter(lead=lead, kind="phone").update(value=DALLAS)
    assert known(lead)[0] == DALLAS


def test_d14_a_number_that_moves_to_another_lead_is_dialed_there(harbor: Brokerage) -> None:
    one, other = make_lead(harbor.ana, phones=["602 555 0100"]), make_lead(harbor.ana)
    ContactPoint.objects.filter(lead=one).update(lead=other)
    assert list(Dialing.objects.order_by("lead").values_list("lead", flat=True)) == [other.pk]


def test_d14_leads_of_before_are_read_anew_with_new_libraries(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = make_lead(harbor.ana, phones=["602 555 0100"])
    ids = dict(ZoneSet.objects.order_by("pk").values_list("pk", "zones"))
    assert not zones.load_zones()

    monkeypatch.setattr(zones, "versions", lambda: "another")
    monkeypatch.setattr(zones, "areas", lambda: {"1602": ("America/Denver", "America/Phoenix")})
    assert zones.load_zones()
    assert known(lead)[2] == ["America/Denver", "America/Phoenix"]
    assert AreaZone.objects.count() == 1
    assert PostalZone.objects.count() > 500
    assert ZoneSource.objects.get().versions == "another"
    kept = dict(ZoneSet.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "zones"))
    assert kept == ids  # attempts and leads refer to them


def test_d14_reading_evidence_is_one_statement(harbor: Brokerage, django_assert_num_queries: Any) -> None:
    lead = make_lead(harbor.ana, phones=["602 555 0100"])
    with django_assert_num_queries(1):
        places = places_of(lead, [PHOENIX, DALLAS, BERLIN], "UTC")
    assert [clock.tzname() for clock in places[DALLAS].clocks(timezone.now())] in (["CST"], ["CDT"])
    assert connection.vendor == "postgresql"
