"""L7: message templates, of the company and of one's own, and what they are for a lead."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.organization.models import User
from leads.messaging.templates import NameTakenError, save_template
from leads.models import Lead, Mail, MessageTemplate
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
HELLO = {"kind": "email", "name": "Hello", "subject": "For {first_name|you}", "body": "Hi {first_name|there} in {city}"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def post(client: Client, user: User, path: str, **data: Any) -> Any:
    client.force_login(user)
    return client.post(f"/templates/{path}", data)


def make(actor: User, *, companys: bool = False, **said: str) -> MessageTemplate:
    return save_template(actor=fresh(actor), template=None, companys=companys, **(HELLO | said))


def test_l7_a_template_is_made_and_is_ones_own(client: Client, harbor: Brokerage) -> None:
    assert post(client, harbor.ana, "new/", **HELLO).status_code == 302
    made = MessageTemplate.objects.get()
    assert (made.user, made.company, made.subject) == (harbor.ana, harbor.company, "For {first_name|you}")
    assert "Hello" in client.get("/templates/").content.decode()
    for other in (harbor.ben, harbor.broker, stranger()):
        client.force_login(other)
        assert "Hello" not in client.get("/templates/").content.decode().replace("Hello,", "")
        assert client.get(f"/templates/{made.pk}/").status_code == 404
        assert client.post(f"/templates/{made.pk}/delete/").status_code == 404


def test_l7_the_companys_are_changed_by_whoever_manages_campaigns(client: Client, harbor: Brokerage) -> None:
    post(client, harbor.broker, "new/", **HELLO, whose="company")
    made = MessageTemplate.objects.get()
    assert made.user is None
    client.force_login(harbor.ana)
    assert client.get(f"/templates/{made.pk}/").status_code == 200
    assert client.post(f"/templates/{made.pk}/", HELLO).status_code == 403
    assert client.post(f"/templates/{made.pk}/delete/").status_code == 403
    client.force_login(stranger())
    assert client.get(f"/templates/{made.pk}/").status_code == 404
    post(client, harbor.ana, "new/", **HELLO, whose="company")
    assert MessageTemplate.objects.filter(user=harbor.ana).count() == 1  # her own
    assert post(client, harbor.north_admin, f"{made.pk}/delete/").status_code == 302
    assert not MessageTemplate.objects.filter(pk=made.pk).exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"body": "Hi {firstname}"}, "There is no {firstname}."),
        ({"subject": "Hi {"}, "A brace stands alone."),
        ({"subject": ""}, "Give the e-mail a subject."),
        ({"kind": "text", "body": "x" * 1001}, "A text has at most 1,000 characters."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_l7_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage, wrong: dict[str, str], words: str
) -> None:
    answer = post(client, harbor.ana, "new/", **(HELLO | wrong))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    assert (HELLO | wrong)["body"] in html
    assert not MessageTemplate.objects.exists()


def test_l7_a_name_is_taken_once(client: Client, harbor: Brokerage) -> None:
    make(harbor.ana)
    assert "already" in post(client, harbor.ana, "new/", **HELLO).content.decode()
    make(harbor.ben)
    make(harbor.broker, companys=True)
    with pytest.raises(NameTakenError):
        make(harbor.north_admin, companys=True)
    make(harbor.ana, kind="text", subject="")


def test_l7_it_is_looked_at_before_it_is_saved(client: Client, harbor: Brokerage) -> None:
    html = post(client, harbor.ana, "new/", **HELLO, look="1").content.decode()
    assert "Hi Maya in Tempe" in html
    assert "For Maya" in html
    assert not MessageTemplate.objects.exists()


def test_l7_inserted_for_a_lead_its_fields_are_filled_and_what_was_typed_stays(
    client: Client, harbor: Brokerage
) -> None:
    lead = make_lead(harbor.ana, first_name="", city="Zürich 🏡", emails=["maya@mail.example"])
    made = make(harbor.broker, companys=True)
    client.force_login(harbor.ana)
    page = client.get(f"/people/{lead.public_id}/?log=email").content.decode()
    assert f'<option value="{made.pk}">Hello</option>' in page
    typed = {"kind": "email", "use": "1", "message": "Dear friend,", "to": "maya@mail.example"}
    answer = client.post(f"/people/{lead.public_id}/log/", typed | {"template": made.pk})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="For you"' in html
    assert "Dear friend,\n\nHi there in Zürich 🏡" in html
    assert not Mail.objects.exists()
    own = make(harbor.ben, name="Ben’s")
    for other in (own.pk, "999999999999999999999", "x", ""):
        html = client.post(f"/people/{lead.public_id}/log/", typed | {"template": other}).content.decode()
        assert "Dear friend," in html
        assert "Hi there" not in html


def test_l7_a_text_begins_from_a_template(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya", phones=["201-555-0123"])
    made = make(harbor.ana, kind="text", subject="", body="Hi {first_name|there}, {agent} here.")
    email = make(harbor.ana)
    client.force_login(harbor.ana)
    path = f"/dialer/lead/{lead.public_id}/"
    assert f'<option value="{made.pk}">Hello</option>' in client.get(path).content.decode()
    for chosen, words in ((made.pk, f"One. Hi Maya, {harbor.ana.name} here."), (email.pk, "One.")):
        answer = client.post(f"{path}text/", {"use": "1", "template": chosen, "body": "One."})
        assert answer.status_code == 200
        assert f">\n{words}</textarea>" in answer.content.decode()
    assert not lead.activities.exists()


def test_v3_a_template_is_not_filled_in_for_a_lead_one_may_not_see(client: Client, harbor: Brokerage) -> None:
    lead: Lead = make_lead(harbor.ana, hidden=True, emails=["maya@mail.example"])
    made = make(harbor.lead)
    client.force_login(harbor.lead)
    assert client.post(f"/people/{lead.public_id}/log/", {"use": "1", "template": made.pk}).status_code == 404
