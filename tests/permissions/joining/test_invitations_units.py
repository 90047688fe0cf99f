"""O7: an invitation to several units, and one whose maker or units are gone before it is answered."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client

from crm.organization.models import Invitation, Membership, Unit, User
from permissions.joining import invitations as services
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile
from permissions.tasks import send_invitations
from tests.factories.people import fresh, leave_company, leave_unit, make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
NEW = {"email": "nina@example.com", "name": "Nina", "role": "member", "profile": "agent"}
JOIN = {"name": "Nina", "password": "a long enough secret"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def send(client: Client, actor: User, unit: Unit, *more: Unit, **changes: str) -> HttpResponse:
    client.force_login(actor)
    data = NEW | changes | {"more_units": [one.pk for one in more]}
    return client.post(f"/invitations/units/{unit.pk}/", data)  # type: ignore[return-value]


def invited(harbor: Brokerage, *more: Unit, actor: User | None = None, **changes: str) -> Invitation:
    who = fresh(actor or harbor.broker)
    return services.invite(actor=who, unit=harbor.lakeside, more_units=more, **(NEW | changes))


def link(invitation: Invitation) -> str:
    return f"/invitations/accept/{services.token_of(Invitation.objects.get(pk=invitation.pk))}/"


def answer(invitation: Invitation) -> tuple[int, str]:
    """What who was invited gets, reading the link and answering it: both the same."""
    path = link(invitation)
    responses = [Client().get(path), Client().post(path, JOIN)]
    assert responses[0].status_code == responses[1].status_code
    assert not User.objects.filter(email=NEW["email"]).exists()
    return responses[0].status_code, responses[0].content.decode()


def close(unit: Unit) -> None:
    Unit.objects.filter(pk=unit.pk).update(closed_at=Now())


def kinds(harbor: Brokerage, kind: str) -> set[tuple[Any, ...]]:
    return set(LedgerEntry.objects.filter(company=harbor.company, kind=kind).values_list("to_unit_id", "role"))


# --- Several units ----------------------------------------------------------------------------------------------------


def test_o7_one_invitation_may_name_several_units(client: Client, harbor: Brokerage) -> None:
    assert send(client, harbor.broker, harbor.lakeside, harbor.hilltop, harbor.south, role="admin").status_code == 302
    send_invitations()
    assert "(Lakeside, Hilltop, South)" in str(mail.outbox[0].body)
    invitation = Invitation.objects.get()
    assert "invites you to Lakeside, Hilltop and South." in Client().get(link(invitation)).content.decode()
    assert Client().post(link(invitation), JOIN).status_code == 302
    given = Membership.objects.filter(user__email=NEW["email"]).values_list("unit", "role")
    units = {harbor.lakeside.pk, harbor.hilltop.pk, harbor.south.pk}
    assert set(given) == kinds(harbor, "joined") == kinds(harbor, "invited") == {(unit, "admin") for unit in units}


def test_o7_it_is_listed_with_each_unit_and_changed_at_the_first(client: Client, harbor: Brokerage) -> None:
    invitation = invited(harbor, harbor.hilltop)
    client.force_login(harbor.broker)
    other = client.get(f"/invitations/units/{harbor.hilltop.pk}/").content.decode()
    assert "invited to Lakeside and here" in other
    assert "/withdraw/" not in other
    assert f"/{invitation.pk}/withdraw/" in client.get(f"/invitations/units/{harbor.lakeside.pk}/").content.decode()
    assert NEW["email"] not in client.get(f"/invitations/units/{harbor.south.pk}/").content.decode()


def test_o7_units_of_others_are_neither_offered_nor_taken(client: Client, harbor: Brokerage) -> None:
    north = make_manager(harbor.north, profile="company_admin")
    foreign = Unit.objects.get(company=stranger().company)
    close(harbor.hilltop)
    client.force_login(north)
    page = client.get(f"/invitations/units/{harbor.lakeside.pk}/").content.decode()
    assert f'value="{harbor.north.pk}"' in page
    for unit in (harbor.south, harbor.whole, harbor.hilltop, foreign):
        assert f'name="more_units" value="{unit.pk}"' not in page
        assert send(client, north, harbor.lakeside, unit).status_code == 422
        with pytest.raises(services.PermissionDenied):
            invited(harbor, unit, actor=north)
    assert not Invitation.objects.exists()


def test_o7_owners_are_made_only_where_one_is_owner_of_each(client: Client, harbor: Brokerage) -> None:
    owner = make_manager(harbor.lakeside, profile="company_admin", role="owner")
    make_manager(harbor.whole)
    Membership.objects.create(company=harbor.company, unit=harbor.hilltop, user=owner, role="admin")
    refused = send(client, owner, harbor.lakeside, harbor.hilltop, role="owner")
    assert refused.status_code == 422
    assert "only of units that you own" in refused.content.decode()
    assert send(client, owner, harbor.lakeside, role="owner").status_code == 302


# --- What changed meanwhile -------------------------------------------------------------------------------------------


def test_o7_a_closed_unit_is_left_out_and_none_left_is_refused_with_the_reason(harbor: Brokerage) -> None:
    invitation = invited(harbor, harbor.hilltop)
    close(harbor.hilltop)
    assert "invites you to Lakeside." in Client().get(link(invitation)).content.decode()
    close(harbor.lakeside)
    status, page = answer(invitation)
    assert status == 410
    assert "Lakeside was closed meanwhile." in page
    Unit.objects.filter(pk=harbor.hilltop.pk).update(closed_at=None)
    assert Client().post(link(invitation), JOIN).status_code == 302
    assert Membership.objects.get(user__email=NEW["email"]).unit == harbor.hilltop


@pytest.mark.parametrize("change", ["left", "demoted", "profile", "one unit"])
def test_o7_an_invitation_is_its_makers_word(client: Client, harbor: Brokerage, change: str) -> None:
    maker = make_manager(harbor.north, "Mia Maker", profile="company_admin")
    invitation = invited(harbor, harbor.hilltop, actor=maker)
    if change == "left":
        leave_company(maker)
    elif change == "demoted":
        leave_unit(maker, harbor.north)
    elif change == "profile":
        give_profile(maker, "agent")
    else:
        Unit.objects.filter(pk=harbor.hilltop.pk).update(parent=harbor.south)
    status, page = answer(invitation)
    assert status == 410
    assert "Mia Maker may no longer invite you so." in page
    client.force_login(harbor.broker)
    where = harbor.hilltop if change == "one unit" else harbor.lakeside
    assert "Mia Maker may not invite here any more" in client.get(f"/invitations/units/{where.pk}/").content.decode()
    services.resend(actor=fresh(harbor.broker), invitation=due(invitation))
    assert Client().post(link(invitation), JOIN).status_code == 302
    assert Membership.objects.filter(user__email=NEW["email"]).count() == 2


def due(invitation: Invitation) -> Invitation:
    """The invitation, its mail sent a while ago."""
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=invitation.created_at.replace(year=2020))
    return Invitation.objects.get(pk=invitation.pk)


def test_o7_nobody_sends_again_what_she_could_not_give(harbor: Brokerage) -> None:
    invitation = due(invited(harbor, role="owner"))
    admin = fresh(make_manager(harbor.whole))
    with pytest.raises(services.RefusedError, match="may not give this role"):
        services.resend(actor=admin, invitation=invitation)
    assert Invitation.objects.get().invited_by == harbor.broker


def test_o7_an_address_taken_at_the_same_moment_is_no_accident(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(**given: Any) -> User:
        raise IntegrityError

    invitation = invited(harbor)
    monkeypatch.setattr(services, "create_user", taken)
    response = Client().post(link(invitation), JOIN)
    assert response.status_code == 410
    assert "It was used already" in response.content.decode()
