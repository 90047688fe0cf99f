"""People in the admin: who they are, where they are a member, and what cannot be done to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from crm.organization.models import Membership, Unit, User
from permissions.door import locked
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile
from tests.factories.leads import make_lead, offer
from tests.factories.people import fresh, join, leave_company, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage
from tests.organization.test_second_factor import give_factor
from tests.permissions.admin.walk import address, signed_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def client(harbor: Brokerage) -> Client:
    return signed_in(harbor.broker)


def save(client: Client, user: User, *rows: dict[str, Any], **changes: Any) -> HttpResponse:
    """Post her page as the browser would, with `rows` in place of her memberships where there are any."""
    path = address(User, "change", user.pk)
    page = client.get(path).context
    formset = page["inline_admin_formsets"][0].formset
    values = {name: field.value() for name, field in ((one.name, one) for one in page["adminform"].form)}
    values |= {
        f"{formset.prefix}-{name}": formset.management_form[name].value() for name in formset.management_form.fields
    }
    for form in formset.forms:
        values |= {field.html_name: field.value() for field in form if field.name != "DELETE"}
    for number, row in enumerate(rows):
        values |= {f"{formset.prefix}-{number}-{name}": value for name, value in row.items()}
    values |= changes
    return client.post(path, {name: value for name, value in values.items() if value not in (None, False)})  # type: ignore[return-value]


def roles(user: User) -> dict[str, str]:
    return dict(Membership.objects.current().filter(user=user).values_list("unit__name", "role"))


def facts(harbor: Brokerage) -> list[tuple[Any, ...]]:
    found = LedgerEntry.objects.filter(company=harbor.company, kind="membership_changed").order_by("pk")
    return list(found.values_list("actor", "to_user_id", "to_unit_id", "role", "why"))


def test_o1_name_phone_and_clock_are_changed(client: Client, harbor: Brokerage) -> None:
    done = save(
        client, harbor.ana, name="Ana <b>Mar</b>'); DROP TABLE", phone="+1 555 0100", time_zone="America/Denver"
    )
    assert done.status_code == 302
    ana = fresh(harbor.ana)
    assert (ana.name, ana.phone, ana.time_zone) == ("Ana <b>Mar</b>'); DROP TABLE", "+1 555 0100", "America/Denver")
    for path in (address(User, "changelist"), address(User, "change", ana.pk), address(User, "history", ana.pk)):
        page = text(client.get(path))
        assert "<b>Mar" not in page
        assert "&lt;b&gt;Mar" in page


def test_bad_input_is_said_beside_its_field_and_kept(client: Client, harbor: Brokerage) -> None:
    page = save(client, harbor.ana, name="Two\nlines", time_zone="Mars")
    assert page.status_code == 422
    assert "A name stands on one line" in text(page)
    assert "Choose a time zone" in text(page)
    assert 'value="Mars"' in text(page)
    assert fresh(harbor.ana).name == "Ana"


def test_nobody_is_made_staff_or_moved_to_another_company(client: Client, harbor: Brokerage) -> None:
    before = User.objects.filter(pk=harbor.ana.pk).values().get()
    other = brokerage("private").company
    crafted = {
        "is_staff": "on",
        "is_superuser": "on",
        "company": other.pk,
        "password": "x",
        "email": "evil@example.com",
    }
    assert save(client, harbor.ana, **crafted).status_code == 302
    assert User.objects.filter(pk=harbor.ana.pk).values().get() == before
    added = client.post(f"{address(User, 'changelist')}add/", {"name": "Root", "email": "root@example.com", **crafted})
    assert added.status_code == 404


def test_o3_a_role_is_given_changed_and_ended_in_the_ledger(client: Client, harbor: Brokerage) -> None:
    ana, lakeside, hilltop = harbor.ana, harbor.lakeside, harbor.hilltop
    lead = make_lead(harbor.hilltop)
    assert load_keyring(fresh(ana)).access(locked(lead)).level == 0
    save(client, ana, {}, {"unit": hilltop.pk, "role": "admin"})
    assert roles(ana) == {"Lakeside": "member", "Hilltop": "admin"}
    assert load_keyring(fresh(ana)).access(locked(lead)).level == 4
    save(client, ana, {"role": "member"})
    save(client, ana, {"DELETE": "on"})
    assert roles(ana) == {"Lakeside": "member"}
    by = harbor.broker.pk
    assert facts(harbor) == [
        (by, ana.pk, hilltop.pk, "admin", "role given"),
        (by, ana.pk, hilltop.pk, "member", "role changed"),
        (by, ana.pk, hilltop.pk, "", "membership ended"),
    ]
    assert "Hilltop: ended" in text(client.get(address(User, "history", ana.pk)))
    save(client, ana, {}, {"unit": lakeside.pk, "role": "admin"})  # added once more
    assert roles(ana) == {"Lakeside": "admin"}


def test_rows_that_were_made_up_change_nothing(client: Client, harbor: Brokerage) -> None:
    strange = brokerage("private").ana.memberships.get()
    made_up = {"memberships-TOTAL_FORMS": 3, "memberships-INITIAL_FORMS": 3}
    for row in ({"id": strange.pk, "DELETE": "on"}, {"DELETE": "on"}, {"id": strange.pk, "unit": strange.unit_id}):
        save(client, harbor.ana, {}, {"role": "admin"}, {"role": "admin", **row}, **made_up)
    assert (roles(harbor.ana), facts(harbor)) == ({"Lakeside": "member"}, [])
    strange.refresh_from_db()
    assert (strange.role, strange.ended_at) == ("member", None)


def test_o7_the_last_owner_is_neither_demoted_nor_removed(client: Client, harbor: Brokerage) -> None:
    for row in ({"role": "member"}, {"DELETE": "on"}):
        page = save(client, harbor.broker, row, name="Kept as typed")
        assert page.status_code == 422
        assert "is the last owner of" in text(page)
        assert "Kept as typed" in text(page)
    assert (roles(harbor.broker), facts(harbor)) == ({harbor.whole.name: "owner"}, [])
    assert fresh(harbor.broker).name == "Broker"


def test_o7_an_admin_neither_makes_nor_unmakes_owners(harbor: Brokerage) -> None:
    admin = signed_in(make_manager(harbor.whole, "Second", role="admin"))
    second_owner = make_manager(harbor.whole, "Third", role="owner")
    for user, row in (
        (second_owner, {"role": "admin"}),
        (second_owner, {"DELETE": "on"}),
        (harbor.ana, {"role": "owner"}),
    ):
        page = save(admin, user, row)
        assert page.status_code == 422
        assert "makes owners" in text(page)
    assert facts(harbor) == []


def test_p1_somebody_who_may_change_profiles_stays(client: Client, harbor: Brokerage) -> None:
    make_manager(harbor.whole, "Second", role="owner", profile="agent")  # owner, but without the verb
    assert "One must keep that" in text(save(client, harbor.broker, {"role": "member"}))
    assert roles(harbor.broker) == {harbor.whole.name: "owner"}


def test_who_shuts_herself_out_lands_on_today(client: Client, harbor: Brokerage) -> None:
    make_manager(harbor.whole, "Second", role="owner")
    done = save(client, harbor.broker, {"role": "member"})
    assert done["Location"] == "/"
    assert client.get("/admin/").status_code == 403


def test_o4_what_she_works_there_keeps_a_membership(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    offer(make_lead(harbor.lakeside), harbor.ana)
    page = save(client, harbor.ana, {"DELETE": "on"})
    assert page.status_code == 422
    assert (
        "Ana works 1 lead there, and has 1 open offer there. Hand that on first: by Departure, for Lakeside."
        in text(page)
    )
    assert roles(harbor.ana) == {"Lakeside": "member"}
    assert lead.pk


def test_o4_work_she_keeps_by_another_membership_does_not(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.north, agent=join(harbor.ana, harbor.hilltop))
    make_lead(harbor.whole, agent=harbor.ana)
    assert save(client, harbor.ana, {}, {"DELETE": "on"}).status_code == 302
    assert roles(harbor.ana) in ({"Lakeside": "member"}, {"Hilltop": "member"})
    page = save(client, harbor.ana, {"DELETE": "on"})
    assert "works 1 lead there" in text(page)


def test_who_left_is_shown_and_not_changed(client: Client, harbor: Brokerage) -> None:
    leave_company(harbor.ana)
    path = address(User, "change", harbor.ana.pk)
    assert "Ana" in text(client.get(path))
    assert "Save" not in text(client.get(path))
    assert client.post(path, {"name": "Back"}).status_code == 403
    assert [
        one.name for one in client.get(address(User, "changelist"), {"state": "left"}).context["cl"].result_list
    ] == ["Ana"]


def test_two_who_edit_at_once_hear_of_each_other(client: Client, harbor: Brokerage) -> None:
    path = address(User, "change", harbor.ana.pk)
    seen = client.get(path).context["adminform"].form["seen"].value()
    save(client, harbor.ana, name="First")
    page = save(client, harbor.ana, name="Second", seen=seen)
    assert page.status_code == 422
    assert "Somebody changed this meanwhile" in text(page)
    assert 'value="Second"' in text(page)
    again = page.context["adminform"].form["seen"].value()  # type: ignore[attr-defined]
    assert save(client, harbor.ana, name="Second", seen=again).status_code == 302
    assert fresh(harbor.ana).name == "Second"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "ana"}, {"Ana"}),
        ({"unit": "north"}, {"Ana", "Ben", "Dee", "Lead", "North Admin"}),
        ({"unit": "hilltop", "role": ""}, {"Dee"}),
        ({"role": "owner"}, {"Broker"}),
        ({"state": "paused"}, {"Eve"}),
        ({"profile": "team_lead"}, {"Lead"}),
        ({"created_at__year": "2020"}, {"Dee"}),
    ],
)
def test_people_are_found(client: Client, harbor: Brokerage, asked: dict[str, str], found: set[str]) -> None:
    User.objects.filter(pk=harbor.eve.pk).update(available=False)
    User.objects.filter(pk=harbor.dee.pk).update(created_at=datetime(2020, 5, 4, tzinfo=UTC))
    if "unit" in asked:
        asked = asked | {"unit": str(getattr(harbor, asked["unit"]).pk)}
    if "profile" in asked:
        asked = {"holding__profile__id__exact": harbor.lead.holding.profile_id}
    page = client.get(address(User, "changelist"), asked)
    assert {one.name for one in page.context["cl"].result_list} == found


def test_people_are_paused_and_resumed_together(client: Client, harbor: Brokerage) -> None:
    left, strange = leave_company(harbor.dee), brokerage("private").ana
    ticked = [harbor.ana.pk, harbor.ben.pk, left.pk, strange.pk]
    act: dict[str, Any] = {"index": 0, "select_across": 0, "_selected_action": ticked}
    client.post(address(User, "changelist"), {"action": "pause", **act})
    assert set(User.objects.filter(available=False)) == {harbor.ana, harbor.ben}
    assert "Ana, Ben: paused." in text(client.get("/admin/"))
    client.post(address(User, "changelist"), {"action": "resume", **act})
    assert not User.objects.filter(available=False).exists()
    assert (
        client.post(address(User, "changelist"), {"action": "pause", **act, "_selected_action": ["x"]}).status_code
        == 404
    )


def test_o5_a_lost_second_factor_is_switched_off_and_ones_own_is_not(client: Client, harbor: Brokerage) -> None:
    strange = brokerage("private").ana
    for user in (harbor.ana, harbor.broker, strange):
        give_factor(user)
    ticked = [harbor.ana.pk, harbor.ben.pk, harbor.broker.pk, strange.pk]
    act: dict[str, Any] = {"index": 0, "select_across": 0, "_selected_action": ticked}
    client.post(address(User, "changelist"), {"action": "switch_off_second_factor", **act})
    assert set(Authenticator.objects.values_list("user", flat=True)) == {harbor.broker.pk, strange.pk}
    assert "Ana: signing in by password alone" in text(client.get("/admin/"))


def test_the_list_asks_as_much_for_many_as_for_few(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(8):
        make_member(harbor.hilltop)
    client.get(address(User, "changelist"))
    with django_assert_max_num_queries(11):
        client.get(address(User, "changelist"))
    with django_assert_max_num_queries(12):
        client.get(address(User, "change", harbor.ana.pk))


def test_the_index_lists_what_she_may_open(client: Client, harbor: Brokerage) -> None:
    profile = harbor.broker.holding.profile
    profile.permissions = ["manage_users"]
    profile.save()
    page = client.get("/admin/")
    assert [entry.label for entry in page.context["entries"]] == ["People", "API tokens", "Units", "Webhooks"]


def test_without_the_verb_nothing_is_changed(harbor: Brokerage) -> None:
    give_profile(harbor.broker, "agent")
    client = signed_in(harbor.broker)
    assert client.post(address(User, "change", harbor.ana.pk), {"name": "Mine"}).status_code == 403
    assert fresh(harbor.ana).name == "Ana"
    assert Unit.objects.filter(company=harbor.company).count() == 6
