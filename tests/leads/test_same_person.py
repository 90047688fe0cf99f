"""I6, C8: what makes two leads one person is the company's choice, and every place that looks for them asks the same."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from crm.organization.models import Company, User
from leads.merging.finding import pairs_among
from leads.merging.keys import Key, pairs_known_by, same_person
from leads.models import Lead
from leads.services.removing import delete_leads
from leads.services.transferring import Cause
from permissions.keyring import load_keyring
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, reasons

pytestmark = pytest.mark.django_db
MAIL, PHONE = ["maya@mail.example"], ["555 201 0001"]
E164 = "+15552010001"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def let_count(harbor: Brokerage, *keys: str) -> Company:
    Company.objects.filter(pk=harbor.company.pk).update(duplicate_keys=list(keys))
    return Company.objects.get(pk=harbor.company.pk)


def found(company: Company, *points: tuple[str, str], name: str | None = "Maya Stone") -> set[str]:
    return set(same_person(company, points, name).values_list("company_name", flat=True))


def family(harbor: Brokerage) -> None:
    """Four leads of one company that nobody sees all of, and one of another company."""
    make_lead(harbor.ana, first_name="maya", last_name="STONE", phones=PHONE, company_name="name", hidden=True)
    make_lead(harbor.eve, first_name="Tom", last_name="Stone", phones=PHONE, company_name="phone")
    make_lead(harbor.hilltop, first_name="M", emails=MAIL, company_name="mail")
    gone = make_lead(harbor.hilltop, first_name="Maya", last_name="Stone", emails=MAIL, company_name="gone")
    delete_leads([gone.pk], Cause(harbor.broker, "by hand"))
    make_lead(brokerage().whole, first_name="Maya", last_name="Stone", phones=PHONE, emails=MAIL, company_name="other")


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ([], set()),
        (["email"], {"mail"}),
        (["phone_name"], {"name"}),
        (["phone"], {"name", "phone"}),
        (["email", "phone_name"], {"mail", "name"}),
        (["email", "phone_name", "phone"], {"mail", "name", "phone"}),
    ],
)
def test_c8_who_registers_is_known_over_the_whole_company_by_its_keys(
    harbor: Brokerage, keys: list[str], names: set[str]
) -> None:
    family(harbor)
    company = let_count(harbor, *keys)
    assert found(company, ("email", MAIL[0]), ("phone", E164)) == names


def test_c8_without_a_point_nobody_is_known(harbor: Brokerage) -> None:
    family(harbor)
    assert found(harbor.company) == set()
    assert found(harbor.company, ("phone", E164), name="Somebody Else") == set()
    assert found(harbor.company, ("phone", E164), name=None) == {"name", "phone"}


def test_i6_by_default_an_email_counts_and_a_phone_with_the_name(harbor: Brokerage) -> None:
    assert Company.objects.get(pk=harbor.company.pk).duplicate_keys == ["email", "phone_name"]
    with pytest.raises(IntegrityError), transaction.atomic():
        let_count(harbor, "address")


def page(client: Client, user: User, name: str, *args: str, **query: str) -> str:
    client.force_login(user)
    return client.get(reverse(name, args=args), query).content.decode()


def test_i6_the_pages_look_for_what_counts(harbor: Brokerage, client: Client) -> None:
    mine = make_lead(harbor.lakeside, first_name="Maya", phones=PHONE)
    make_lead(harbor.lakeside, first_name="Tom", last_name="Stone", phones=PHONE)
    assert "Tom Stone" not in page(client, harbor.lead, "lead-alike", mine.public_id)
    assert "No duplicates here" in page(client, harbor.lead, "duplicates", by="phone_name")
    assert "Tom Stone" not in page(client, harbor.lead, "duplicates", by="phone")
    let_count(harbor, "phone")
    assert "Tom Stone" in page(client, harbor.lead, "lead-alike", mine.public_id)
    assert "2 leads" in page(client, harbor.lead, "duplicates")
    let_count(harbor)
    assert "Tom Stone" not in page(client, harbor.lead, "lead-alike", mine.public_id)
    assert "Your company does not look for duplicates" in page(client, harbor.lead, "duplicates")


def test_i6_by_hand_the_name_is_not_waited_for(harbor: Brokerage, client: Client) -> None:
    make_lead(harbor.ana, first_name="Maya", last_name="Stone", phones=PHONE)
    client.force_login(harbor.ana)
    typed = {"first_name": "M", "phones": PHONE[0], "owner": "me"}
    assert "Nothing was saved yet" in client.post(reverse("lead-add"), typed).content.decode()
    let_count(harbor, "email")
    assert "Nothing was saved yet" not in client.post(reverse("lead-add"), typed).content.decode()


def test_i6_imports_skip_what_counts(harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Maya", phones=PHONE, emails=MAIL)
    let_count(harbor, "phone")
    run = bring(harbor.ana, harbor.ana, csv_of("Tom,Stone,,555-201-0001", "Eva,Stone,maya@mail.example,"))
    assert reasons(run) == {2: "A lead with the same phone is there already."}
    let_count(harbor)
    assert counts(bring(harbor.ana, harbor.ana, csv_of("Maya,,maya@mail.example,555-201-0001"))) == (1, 0, 0)


@pytest.mark.parametrize("keys", [[], ["email"], ["phone"], ["email", "phone_name"]])
def test_i6_the_same_file_twice_makes_nothing_twice_whatever_counts(harbor: Brokerage, keys: list[str]) -> None:
    let_count(harbor, *keys)
    file = csv_of("Ana,Silva,ana@mail.example,201-555-0101", "Ben,Berg,,201-555-0102", "Cat,Cole,,")
    assert counts(bring(harbor.ana, harbor.ana, file)) == (3, 0, 0)
    assert counts(bring(harbor.ana, harbor.ana, file)) == (0, 3, 0)
    assert counts(bring(harbor.ana, harbor.ana, csv_of("Ben,Berg,,201-555-0199"))) == (1, 0, 0)


def test_i6_mass_merging_pairs_what_counts(harbor: Brokerage) -> None:
    one = make_lead(harbor.lakeside, first_name="Maya", last_name="Stone", phones=PHONE)
    two = make_lead(harbor.lakeside, first_name="Tom", last_name="Stone", phones=PHONE, emails=MAIL)
    three = make_lead(harbor.lakeside, first_name="Eva", emails=MAIL)
    four = make_lead(harbor.lakeside, first_name="MAYA", last_name="stone", phones=PHONE)
    pairs = {
        (): {},
        ("email",): {three.pk: two.pk},
        ("phone_name",): {four.pk: one.pk},
        ("phone",): {two.pk: one.pk, four.pk: one.pk},
        ("email", "phone"): {two.pk: one.pk, three.pk: one.pk, four.pk: one.pk},
    }
    hers = Lead.objects.manageable_by(load_keyring(fresh(harbor.lead)))
    assert {keys: pairs_among(hers, let_count(harbor, *keys)) for keys in pairs} == pairs


@pytest.mark.parametrize("name", ['Maya "Mo" O\'Neil', "Back\\slash", "{a,b}", "NULL", "Größe 🙂", "%s"])
def test_i6_names_of_any_signs_are_compared_as_they_are(harbor: Brokerage, name: str) -> None:
    company = let_count(harbor, "phone_name")
    make_lead(harbor.ana, first_name=name, last_name="", phones=PHONE, company_name="it")
    make_lead(harbor.ana, first_name="Tom", last_name="Stone", phones=PHONE, company_name="another")
    assert found(company, ("phone", E164), name=name) == {"it"}
    assert found(company, ("phone", E164), name=None) == {"it", "another"}
    assert not found(company, ("phone", E164), ("phone", "null"), name="")


def test_i6_thousands_of_keys_are_looked_up_as_one_is(harbor: Brokerage) -> None:
    make_lead(harbor.ana, emails=MAIL, company_name="it")
    keys = [Key("email", f"{n}@mail.example", None) for n in range(3000)]
    wanted = Key("email", MAIL[0], None)
    pairs = pairs_known_by(harbor.company.pk, [*keys, wanted, *keys])
    assert [key for key, _ in pairs] == [wanted]
    assert not pairs_known_by(harbor.company.pk, [])
