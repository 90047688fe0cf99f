"""Who lost her second factor is let in again by who manages her, or by who runs the server."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client

from crm.notifications.models import Notification
from crm.organization.models import User
from permissions.joining.second_factor import reset_second_factor
from permissions.models import LedgerEntry
from tests.factories.people import fresh, make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.organization.test_second_factor import SET_UP, give_factor, require, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    found = brokerage()
    for user in (found.broker, found.ana, found.dee):
        give_factor(user)
    return found


def holders() -> set[str]:
    return set(User.objects.filter(pk__in=Authenticator.objects.values("user")).values_list("name", flat=True))


def test_o5_she_gets_in_by_her_password_and_sets_it_up_anew(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    assert sign_in(client, harbor.ana)["Location"] == "/accounts/2fa/authenticate/"
    people = User.objects.filter(pk__in=[harbor.ana.pk, harbor.ben.pk, stranger().pk])
    assert reset_second_factor(actor=fresh(harbor.broker), people=people) == [harbor.ana]
    assert holders() == {"Broker", "Dee"}
    door = Client()
    sign_in(door, harbor.ana)
    assert door.get("/people/")["Location"] == SET_UP
    fact = LedgerEntry.objects.get(why="second factor switched off")
    assert (fact.actor_id, fact.to_user_id) == (harbor.broker.pk, harbor.ana.pk)
    told = Notification.objects.get()
    assert told.user == harbor.ana
    assert "Broker did this" in told.body


def test_o5_only_for_people_one_manages_and_never_for_oneself(harbor: Brokerage) -> None:
    everybody = User.objects.all()
    south = fresh(make_manager(harbor.south, profile="company_admin"))
    assert reset_second_factor(actor=south, people=everybody) == []
    with pytest.raises(PermissionDenied):
        reset_second_factor(actor=fresh(harbor.north_admin), people=everybody)
    assert reset_second_factor(actor=fresh(stranger()), people=everybody) == []
    assert holders() == {"Broker", "Ana", "Dee"}
    assert reset_second_factor(actor=fresh(harbor.broker), people=everybody) == [harbor.ana, harbor.dee]
    assert holders() == {"Broker"}


def test_o5_who_runs_the_server_helps_the_last_one_in(harbor: Brokerage) -> None:
    call_command("reset_second_factor", harbor.broker.email.upper(), verbosity=0)
    assert holders() == {"Ana", "Dee"}
    assert LedgerEntry.objects.get(why="second factor switched off").actor_id is None
    for email in (harbor.broker.email, "nobody@example.com"):
        with pytest.raises(CommandError, match="nobody with the e-mail"):
            call_command("reset_second_factor", email)
