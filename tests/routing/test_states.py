"""R1, R3: which states licences and rules can name."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from leads.states import NAMES, code_of, is_state
from routing.fields import StatesField, WordsField
from routing.models import RosterMember
from tests.factories.scenes import Brokerage
from tests.routing.scenes import lakeside

SEEN = '[true, false, 1, null, null, "[]", ""]'


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


@pytest.mark.parametrize("text", ["az", "AZ", "Arizona", " arizona ", "ARIZONA"])
def test_r3_a_state_is_known_by_code_and_name(text: str) -> None:
    assert (code_of(text), is_state(text)) == ("AZ", True)


@pytest.mark.parametrize("text", ["", "ZZ", "Arizonia", "A Z", "Ontario"])
def test_r3_what_is_no_state_is_not_taken_for_one(text: str) -> None:
    assert not is_state(text)


def test_r3_there_are_the_states_the_district_and_the_territories() -> None:
    assert len(NAMES) == 50 + 1 + 8
    assert {"DC", "PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"} <= set(NAMES)


def test_r3_states_are_kept_by_their_codes_once() -> None:
    assert StatesField().clean("az, new  york, Arizona, PR") == ["AZ", "NY", "PR"]


def test_r1_a_word_that_no_page_has_room_for_is_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        WordsField().clean("Austin, " + "x" * 3000)
    assert "more than 200 characters" in refused.value.messages[0]


def test_r3_what_is_no_state_is_refused_and_echoed_in_short() -> None:
    with pytest.raises(ValidationError) as refused:
        StatesField().clean("AZ, " + "x" * 3000)
    [said] = refused.value.messages
    assert said == f"“{'x' * 40}” is no state. Write such as AZ, or Arizona."


def test_r3_elsewhere_states_are_as_people_write_them() -> None:
    field = StatesField()
    field.region = "CA"
    assert field.clean("Ontario, bc") == ["ONTARIO", "BC"]
    with pytest.raises(ValidationError):
        field.clean("x" * 41)


@pytest.mark.parametrize(
    ("region", "typed", "kept"), [("US", "Arizona, ca", ["AZ", "CA"]), ("US", "Ontario", []), ("CA", "on", ["ON"])]
)
def test_r3_a_place_on_the_roster_names_states_of_the_companys_country(
    client: Client, harbor: Brokerage, region: str, typed: str, kept: list[str]
) -> None:
    harbor.company.phone_region = region
    harbor.company.save()
    client.force_login(harbor.lead)
    page = f"/team/{harbor.lakeside.pk}/roster/{harbor.ana.pk}/"
    answer = client.post(page, {"weight": "1", "enrolled": "on", "states": typed, "seen": SEEN})
    assert answer.status_code == (302 if kept else 422)
    assert RosterMember.objects.get(user=harbor.ana).states == kept
