"""Notifications about leads say, when they are read, what their reader may see at that moment (V3, V5)."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from crm.notifications.delivering import send_due
from crm.notifications.models import Notification
from crm.notifications.services import Message, notify
from crm.organization.models import User
from leads.models import Assignment, Lead
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.routing.scenes import lakeside, route

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def tell(user: User, lead: Lead, title: str = "Ben asks for {lead}", url: str = "") -> None:
    notify(user.company_id, [Message(user.pk, "request", title, "About {lead}.", url, lead_id=lead.pk)])


def bell(client: Client, user: User) -> str:
    client.force_login(user)
    page = client.get("/notifications/").content.decode()
    menu = client.get("/notifications/", headers=HTMX).content.decode()
    notices = menu[menu.index("<ul") : menu.index("</ul>")]
    assert notices in page
    return notices


def maya(owner: object, **fields: object) -> Lead:
    names = {"first_name": "Maya", "last_name": "Okafor"}
    return make_lead(owner, **names | {"emails": ["maya@mail.example"], **fields})  # type: ignore[arg-type]


def test_v5_notification_names_and_opens_a_lead_that_its_reader_may_read(client: Client, harbor: Brokerage) -> None:
    lead = maya(harbor.lakeside)
    tell(harbor.lead, lead)
    menu = bell(client, harbor.lead)
    assert "Ben asks for Maya Okafor" in menu
    assert "About Maya Okafor." in menu
    assert f'href="/people/{lead.public_id}/"' in menu
    send_due()
    assert mail.outbox[0].subject == "Ben asks for Maya Okafor"
    assert f"/people/{lead.public_id}/" in mail.outbox[0].body


def test_m8_what_was_hers_is_named_as_long_as_she_may_read_it(client: Client, harbor: Brokerage) -> None:
    lead = maya(harbor.lakeside, agent=harbor.ana)
    tell(harbor.ana, lead, "{own lead} went to Lakeside")
    assert "Maya Okafor went to Lakeside" in bell(client, harbor.ana)
    Lead.objects.filter(pk=lead.pk).update(agent=None)
    lead.assignments.all().delete()
    menu = bell(client, harbor.ana)
    assert "A lead of yours went to Lakeside" in menu
    assert "Maya" not in menu
    assert lead.public_id not in menu


def test_v5_notification_of_a_redacted_lead_says_a_lead_and_opens_nothing(client: Client, harbor: Brokerage) -> None:
    lead = maya(harbor.ana, hidden=True)
    for reader in (harbor.lead, harbor.broker):
        tell(reader, lead, url="/team/")
        menu = bell(client, reader)
        assert "Ben asks for a lead" in menu
        assert "<a " not in menu
        for concealed in ("Maya", "Okafor", lead.public_id, "/team/"):
            assert concealed not in menu
    send_due()
    for told in mail.outbox:
        assert told.subject == "Ben asks for a lead"
        assert not any(concealed in told.body for concealed in ("Maya", "Okafor", lead.public_id, "/team/"))


def test_v3_notification_forgets_the_name_when_access_ends(client: Client, harbor: Brokerage) -> None:
    lead = maya(harbor.lakeside, agent=harbor.ana)
    tell(harbor.ana, lead)
    assert "Maya Okafor" in bell(client, harbor.ana)
    Assignment.objects.filter(lead=lead).delete()
    assert "Maya" not in bell(client, harbor.ana)
    send_due()
    assert "Maya" not in mail.outbox[0].subject + mail.outbox[0].body


def test_v3_notification_tells_of_no_access_as_of_a_lead_that_is_gone(client: Client, harbor: Brokerage) -> None:
    closed, gone = maya(harbor.eve), maya(harbor.lakeside)
    for lead in (closed, gone):
        tell(harbor.ana, lead, "{lead} was moved")
    gone.delete()
    assert bell(client, harbor.ana).count("A lead was moved") == 2


def test_v1_notification_never_names_a_lead_of_another_company(client: Client, harbor: Brokerage) -> None:
    boss = stranger()
    tell(boss, maya(harbor.lakeside))
    assert "Maya" not in bell(client, boss)


def test_v5_notification_rows_hold_no_name(client: Client) -> None:
    harbor = lakeside()
    offered, fallen = maya(harbor.lakeside), maya(harbor.lakeside)
    route(harbor.lakeside, offered)
    assert "Offered to you: Maya Okafor" in bell(client, harbor.ana)
    User.objects.filter(pk__in=[harbor.ana.pk, harbor.ben.pk]).update(available=False)
    route(harbor.lakeside, fallen)
    assert "Assigned to you: Maya Okafor" in bell(client, harbor.lead)
    for row in Notification.objects.order_by("pk"):
        assert "Maya" not in f"{row.title} {row.body} {row.url}"
        assert row.lead_id in {offered.pk, fallen.pk}


def test_v5_notification_name_fits_one_line_of_a_mail(harbor: Brokerage) -> None:
    tell(harbor.lead, maya(harbor.lakeside, last_name="Okafor\r\nBcc: all@mail.example"))
    send_due()
    assert mail.outbox[0].subject == "Ben asks for Maya Okafor Bcc: all@mail.example"


def test_the_bell_costs_the_same_however_many_leads_it_speaks_of(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    tell(harbor.lead, maya(harbor.lakeside))
    client.force_login(harbor.lead)
    with django_assert_max_num_queries(12) as once:
        client.get("/notifications/")
    for _ in range(5):
        tell(harbor.lead, maya(harbor.lakeside))
    with django_assert_max_num_queries(len(once)):
        client.get("/notifications/")


def test_notifications_of_before_forget_the_name_they_hold(client: Client, harbor: Brokerage) -> None:
    from django.db.migrations.loader import MigrationLoader

    lead = maya(harbor.lakeside, agent=harbor.ana)
    page = f"/people/{lead.public_id}/"
    notify(
        harbor.company.pk,
        [
            Message(harbor.ana.pk, "offer", "New lead: Maya Okafor", "Claim within 60 minutes.", page),
            Message(harbor.ben.pk, "offer", "New lead: Maya Okafor", "Claim within 60 minutes.", page),
            Message(harbor.ana.pk, "offer", "2 new leads from Lakeside", "Claim within 60 minutes.", "/"),
        ],
    )
    loader = MigrationLoader(connection, load=False)
    loader.load_disk()
    migration = loader.disk_migrations["routing", "0002_notifications_without_names"]
    with connection.cursor() as cursor:
        cursor.execute(migration.operations[0].sql)
    menu = bell(client, harbor.ana)
    assert "Offered to you: Maya Okafor" in menu
    assert f'href="{page}"' in menu
    assert "2 new leads from Lakeside" in menu
    assert "Maya" not in bell(client, harbor.ben)


def test_r10_mails_to_many_ask_no_more_of_the_database_for_each_than_to_be_marked(
    harbor: Brokerage, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    people = [harbor.ana, harbor.ben, harbor.eve, harbor.lead]
    for person in people:
        tell(person, maya(person, first_name=person.name.split()[0]))
    with django_assert_max_num_queries(40) as once:
        assert send_due() == len(people)
    assert {one.to[0]: one.subject for one in mail.outbox} == {
        person.email: f"Ben asks for {person.name.split()[0]} Okafor" for person in people
    }
    for person in people[:3] * 5:
        tell(person, maya(person))
    with django_assert_max_num_queries(len(once) - len(people) + 15):
        assert send_due() == 15
