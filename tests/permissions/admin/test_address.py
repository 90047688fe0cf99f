"""A person's e-mail address: proposed by a broker, taken only by herself."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from crm.notifications.models import Notification
from crm.organization.models import User
from permissions.joining.addresses import propose_address
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.permissions.admin.test_people import save
from tests.permissions.admin.walk import signed_in, text

pytestmark = pytest.mark.django_db
NEW = "mar@example.com"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def answer(user: User, said: str, email: str = NEW) -> str:
    client = signed_in(user)
    client.post("/me/address/", {"answer": said, "email": email})
    return text(client.get("/me/"))


def test_a_broker_cannot_take_over_somebody_s_sign_in(harbor: Brokerage) -> None:
    before = harbor.ana.email
    save(signed_in(harbor.broker), harbor.ana, address=NEW.upper())
    ana = fresh(harbor.ana)
    assert (ana.email, ana.new_email) == (before, NEW)
    told = Notification.objects.get()
    assert (told.user, told.url) == (harbor.ana, "/me/address/")
    assert NEW not in told.title + told.body
    assert mail.outbox == []
    assert NEW in text(signed_in(ana).get("/me/address/"))
    EmailAddress.objects.create(user=ana, email=before, primary=True)
    assert "From now on you sign in with it." in answer(ana, "accept")
    assert (fresh(ana).email, fresh(ana).new_email) == (NEW, "")
    assert not EmailAddress.objects.filter(user=ana).exists()


def test_she_may_keep_hers(harbor: Brokerage) -> None:
    propose_address(actor=harbor.broker, user=harbor.ana, email=NEW)
    assert "Your address stays as it is." in answer(harbor.ana, "refuse")
    assert (fresh(harbor.ana).email, fresh(harbor.ana).new_email) == (harbor.ana.email, "")
    assert "proposed no longer" in answer(harbor.ana, "accept")
    assert "Nothing is proposed." in text(signed_in(harbor.ana).get("/me/address/"))


def test_only_what_she_was_shown_is_taken(harbor: Brokerage) -> None:
    propose_address(actor=harbor.broker, user=harbor.ana, email=NEW)
    propose_address(actor=harbor.broker, user=harbor.ana, email="other@example.com")
    assert "proposed no longer" in answer(harbor.ana, "accept", NEW)
    assert "proposed no longer" in answer(harbor.ben, "accept", "")
    assert fresh(harbor.ana).email == harbor.ana.email


def test_the_broker_does_not_learn_whose_an_address_is(harbor: Brokerage) -> None:
    other = stranger()
    done = save(signed_in(harbor.broker), harbor.ana, address=other.email)
    assert done.status_code == 302
    assert "This address cannot be used." in answer(harbor.ana, "accept", other.email)
    assert fresh(harbor.ana).email == harbor.ana.email


@pytest.mark.parametrize("who", ["north_admin", "ana"])
def test_only_who_manages_people_proposes(harbor: Brokerage, who: str) -> None:
    for actor in (getattr(harbor, who), stranger() if who == "ana" else harbor.lead):
        with pytest.raises(Exception, match="those who manage her"):
            propose_address(actor=fresh(actor), user=harbor.ben, email=NEW)
    assert fresh(harbor.ben).new_email == ""


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.post("/me/address/", {"answer": "accept", "email": NEW}).status_code == 302
    assert client.delete("/me/address/").status_code == 302
