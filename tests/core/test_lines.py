"""Names stand on one line, and turn the direction of no text but their own."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.forms import Form
from django.test import Client

from crm.core.lines import one_line, straight
from leads.forms import LeadForm
from leads.imports.values import RowReader
from leads.pond_forms import PondForm
from permissions.joining.forms import InvitationForm, PersonForm
from permissions.policy.forms import PolicyForm
from permissions.profiles.forms import AddProfileForm, RenameForm
from routing.capture.formats.text import clean
from routing.channel_forms import ChannelForm
from tests.factories.scenes import brokerage

MARKS = [chr(code) for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.parametrize("mark", [*MARKS, "\n", "\r"], ids=ascii)
def test_a_name_with_a_mark_nobody_sees_is_refused(mark: str) -> None:
    with pytest.raises(ValidationError, match="stands on one line"):
        one_line(f"Ana{mark}Silva")


@pytest.mark.parametrize("name", ["Zoë Ólafs", "نور", "נועה", "O’Neil-Smith 2nd", "👩\u200d💻"])
def test_a_name_in_any_script_is_taken(name: str) -> None:
    one_line(name)
    assert straight(f" {name} ") == name


@pytest.mark.parametrize(
    "form", [PondForm, InvitationForm, PersonForm, PolicyForm, RenameForm, AddProfileForm, ChannelForm]
)
def test_forms_refuse_such_a_name(form: type[Form]) -> None:
    with pytest.raises(ValidationError, match="stands on one line"):
        form.base_fields["name"].clean("Ana\u202eavliS")


@pytest.mark.django_db
def test_nobody_gives_herself_such_a_name(client: Client) -> None:
    harbor = brokerage()
    client.force_login(harbor.ana)
    answer = client.post("/me/", {"name": "Ana\u2066avliS", "time_zone": "America/Denver"})
    assert answer.status_code == 422
    assert "stands on one line" in answer.content.decode()


@pytest.mark.django_db
def test_l1_a_lead_comes_without_them_by_every_way() -> None:
    form = LeadForm(
        {"first_name": "\u202eMaya", "tags": "\u200ewarm", "emails": "maya@mail.example\u202c"}, region="US"
    )
    assert form.is_valid()
    assert (form.facts()["first_name"], form.facts()["tags"]) == ("Maya", ["warm"])
    assert form.cleaned_data["emails"] == ["maya@mail.example"]
    imported = RowReader(["first_name"], ["First"], "US").read(["\u2067Maya\u2069 "])
    assert imported.fields == {"first_name": "Maya"}
    assert clean(" \u202dMaya\u202c ") == "Maya"


@pytest.mark.django_db
def test_l1_marks_alone_are_no_name() -> None:
    form = LeadForm({"first_name": "\u200f \u202e"}, region="US")
    assert "Give at least a name, a company, a phone or an e-mail." in form.non_field_errors()
