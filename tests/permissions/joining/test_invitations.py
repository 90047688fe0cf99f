"""Inviting people, joining by an invitation, and the last owner (O7)."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.core import mail
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client

from crm.organization.models import Invitation, Membership, Unit, User
from crm.organization.services import LastOwnerError, add_member, end_membership
from permissions.joining import invitations as services
from permissions.models import LedgerEntry, Profile
from permissions.tasks import send_invitations
from tests.factories.people import fresh, leave_company, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
NEW = {"email": "New.Person@example.com", "name": "New Person", "role": "member", "profile": "agent"}
JOIN = {"name": "Nina Person", "password": "a long enough secret"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def invite(client: Client, actor: User, unit: Unit, /, **changes: str) -> HttpResponse:
    client.force_login(actor)
    return client.post(f"/invitations/units/{unit.pk}/", NEW | changes)  # type: ignore[return-value]


def invited(harbor: Brokerage, **changes: str) -> Invitation:
    return services.invite(actor=fresh(harbor.broker), unit=harbor.lakeside, **(NEW | changes))


def link(invitation: Invitation) -> str:
    return f"/invitations/accept/{services.token_of(fresh_one(invitation))}/"


def fresh_one(invitation: Invitation) -> Invitation:
    return Invitation.objects.get(pk=invitation.pk)


def facts(harbor: Brokerage, kind: str) -> list[tuple[Any, ...]]:
    found = LedgerEntry.objects.filter(company=harbor.company, kind=kind).order_by("pk")
    return list(found.values_list("why", "actor", "to_unit_id", "to_user_id", "role", "detail__profile"))


def stranger_to_the_door(path: str, **data: str) -> HttpResponse:
    """Somebody without a session asks for the link, or answers it."""
    client = Client()
    return client.post(path, data) if data else client.get(path)  # type: ignore[return-value]


# --- Inviting ---------------------------------------------------------------------------------------------------------


def test_o7_an_invitation_becomes_a_mail_with_a_link_that_makes_a_colleague(client: Client, harbor: Brokerage) -> None:
    assert invite(client, harbor.broker, harbor.lakeside).status_code == 302
    send_invitations()
    (sent,) = mail.outbox
    assert sent.to == ["new.person@example.com"]
    assert "Broker invites you" in sent.subject
    found = re.search(r"http\S+(/invitations/accept/\S+/)", str(sent.body))
    assert found
    door = Client()
    page = door.get(found[1]).content.decode()
    for words in (harbor.company.name, "Lakeside", "new.person@example.com", 'value="New Person"'):
        assert words in page
    assert door.post(found[1], JOIN)["Location"] == "/"
    user = fresh(User.objects.get(email="new.person@example.com"))
    assert get_user(door) == user  # type: ignore[arg-type]
    assert (user.name, user.company, user.holding.profile.code) == ("Nina Person", harbor.company, "agent")
    assert user.check_password(JOIN["password"])
    assert Membership.objects.current().get(user=user).role == "member"
    assert facts(harbor, "invited") == [("sent", harbor.broker.pk, harbor.lakeside.pk, None, "member", "agent")]
    assert facts(harbor, "joined") == [("invitation", user.pk, harbor.lakeside.pk, user.pk, "member", "agent")]
    assert "Welcome" in door.get("/").content.decode()


def test_o7_only_who_manages_users_and_the_unit_may_invite(client: Client, harbor: Brokerage) -> None:
    reachless = make_member(harbor.lakeside, profile="company_admin")
    for user in (harbor.lead, harbor.north_admin, harbor.ana, reachless):
        assert invite(client, user, harbor.lakeside).status_code == 403
        assert client.get(f"/invitations/units/{harbor.lakeside.pk}/").status_code == 403
    for user in (harbor.eve, stranger()):
        assert invite(client, user, harbor.lakeside).status_code == 404
    assert not Invitation.objects.exists()
    assert f"/invitations/units/{harbor.lakeside.pk}/" in _team_page(client, harbor.broker, harbor)
    assert f"/invitations/units/{harbor.lakeside.pk}/" not in _team_page(client, harbor.lead, harbor)


def _team_page(client: Client, user: User, harbor: Brokerage) -> str:
    client.force_login(user)
    return str(client.get(f"/team/{harbor.lakeside.pk}/").content.decode())


@pytest.mark.parametrize(
    "changes", [{"email": "nobody"}, {"email": ""}, {"name": ""}, {"role": "king"}, {"profile": "emperor"}]
)
def test_o7_bad_input_is_refused_and_stays_typed(client: Client, harbor: Brokerage, changes: dict[str, str]) -> None:
    response = invite(client, harbor.broker, harbor.lakeside, **changes)
    assert response.status_code == 422
    page = response.content.decode()
    assert "errorlist" in page
    for name in {"email", "name"} - set(changes):
        assert f'value="{NEW[name]}"' in page
    assert not Invitation.objects.exists()


def test_o7_somebody_who_is_a_user_anywhere_cannot_be_invited_and_nothing_is_told(
    client: Client, harbor: Brokerage
) -> None:
    pages = []
    for user in (harbor.ana, stranger()):
        page = invite(client, harbor.broker, harbor.lakeside, email=user.email.upper()).content.decode()
        assert "This person cannot be invited." in page
        pages.append(re.sub(r'(value|hx-headers)=("[^"]*"|\'[^\']*\')', "", page))
    assert pages[0] == pages[1]


def test_o7_somebody_is_invited_once_at_a_time(client: Client, harbor: Brokerage) -> None:
    invite(client, harbor.broker, harbor.lakeside)
    for unit in (harbor.lakeside, harbor.hilltop):
        assert "invited already" in invite(client, harbor.broker, unit).content.decode()
    assert Invitation.objects.count() == 1


def test_o7_one_cannot_give_more_than_one_has(client: Client, harbor: Brokerage) -> None:
    admin = make_manager(harbor.whole, "Admin")
    Profile.objects.create(company=harbor.company, code="more", name="More", permissions=["unheard_of"])
    assert invite(client, admin, harbor.lakeside, profile="more").status_code == 422
    assert invite(client, admin, harbor.whole, role="owner").status_code == 422
    assert invite(client, harbor.broker, harbor.whole, role="owner").status_code == 302


def test_o7_invitations_are_limited_per_hour(
    client: Client, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_AN_HOUR", 2)
    for number in range(2):
        assert invite(client, harbor.broker, harbor.lakeside, email=f"p{number}@example.com").status_code == 302
    assert "within an hour" in invite(client, harbor.broker, harbor.lakeside).content.decode()


# --- The mail ---------------------------------------------------------------------------------------------------------


def test_o7_the_mail_is_sent_once_however_often_the_task_runs(harbor: Brokerage) -> None:
    invited(harbor)
    for _ in range(3):
        send_invitations()
    assert len(mail.outbox) == 1


def test_o7_a_mail_that_failed_is_due_again(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    invitation = invited(harbor)
    with monkeypatch.context() as broken:
        broken.setattr(services, "_mail", _refuse)
        send_invitations()
    assert fresh_one(invitation).sent_at is None
    send_invitations()
    assert not mail.outbox
    Invitation.objects.update(send_at=Now() - timedelta(seconds=1))
    send_invitations()
    assert len(mail.outbox) == 1
    assert fresh_one(invitation).sent_at


def _refuse(invitation: Invitation) -> None:
    raise smtplib.SMTPServerDisconnected


def test_o7_an_invitation_that_is_over_is_not_sent(harbor: Brokerage) -> None:
    services.withdraw(actor=fresh(harbor.broker), invitation=invited(harbor))
    invited(harbor, email="late@example.com")
    Invitation.objects.filter(email="late@example.com").update(expires_at=Now() - timedelta(seconds=1))
    send_invitations()
    assert not mail.outbox


# --- What is pending --------------------------------------------------------------------------------------------------


def test_o7_sending_again_makes_a_new_link_and_ends_the_old_one(client: Client, harbor: Brokerage) -> None:
    invitation = invited(harbor)
    send_invitations()
    old = link(invitation)
    client.force_login(harbor.broker)
    path = f"/invitations/{invitation.pk}/resend/"
    assert "on its way already" in client.post(path, follow=True).content.decode()
    Invitation.objects.update(sent_at=Now() - timedelta(minutes=5))
    assert "Sent again" in client.post(path, follow=True).content.decode()
    send_invitations()
    assert len(mail.outbox) == 2
    assert stranger_to_the_door(old).status_code == 410
    assert stranger_to_the_door(link(invitation)).status_code == 200
    assert [fact[0] for fact in facts(harbor, "invited")] == ["sent", "sent again"]


def test_o7_an_expired_one_can_be_sent_again(client: Client, harbor: Brokerage) -> None:
    invitation = invited(harbor)
    Invitation.objects.update(expires_at=Now() - timedelta(days=1))
    client.force_login(harbor.broker)
    assert "expired" in client.get(f"/invitations/units/{harbor.lakeside.pk}/").content.decode()
    client.post(f"/invitations/{invitation.pk}/resend/")
    assert stranger_to_the_door(link(invitation)).status_code == 200


def test_o7_withdrawing_ends_the_link_and_frees_the_address(client: Client, harbor: Brokerage) -> None:
    invitation = invited(harbor)
    client.force_login(harbor.broker)
    path = f"/invitations/{invitation.pk}/withdraw/"
    assert "no longer works" in client.post(path, follow=True).content.decode()
    assert "used or withdrawn meanwhile" in client.post(path, follow=True).content.decode()
    assert stranger_to_the_door(link(invitation)).status_code == 410
    assert stranger_to_the_door(link(invitation), **JOIN).status_code == 410
    assert invite(client, harbor.broker, harbor.lakeside).status_code == 302


def test_o7_invitations_of_others_are_not_there(client: Client, harbor: Brokerage) -> None:
    invitation = invited(harbor)
    for user, status in ((stranger(), 404), (harbor.eve, 404), (harbor.lead, 403)):
        client.force_login(user)
        for act in ("resend", "withdraw"):
            assert client.post(f"/invitations/{invitation.pk}/{act}/").status_code == status
            assert client.get(f"/invitations/{invitation.pk}/{act}/").status_code == 405
    assert fresh_one(invitation).withdrawn_at is None


# --- Joining ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["", "short", "password", "new.person@example.com"])
def test_o7_a_weak_password_is_refused_and_the_name_stays_typed(harbor: Brokerage, password: str) -> None:
    path = link(invited(harbor))
    response = stranger_to_the_door(path, name="Nina", password=password)
    assert response.status_code == 422
    assert 'value="Nina"' in response.content.decode()
    assert not User.objects.filter(email="new.person@example.com").exists()


def test_o7_the_link_works_once(harbor: Brokerage) -> None:
    path = link(invited(harbor))
    assert stranger_to_the_door(path, **JOIN).status_code == 302
    assert stranger_to_the_door(path, **JOIN).status_code == 410
    assert stranger_to_the_door(path).status_code == 410
    assert User.objects.filter(email="new.person@example.com").count() == 1


def test_o7_used_expired_tampered_and_unknown_links_all_say_the_same(harbor: Brokerage) -> None:
    expired, taken = (invited(harbor, email=f"{n}@example.com") for n in ("a", "c"))
    paths = [link(taken), "/invitations/accept/nonsense/", link(taken)[:-4] + "xxx/"]
    User.objects.create_user(company=harbor.company, email="c@example.com", name="Taken")
    Invitation.objects.filter(pk=expired.pk).update(expires_at=Now() - timedelta(seconds=1))
    answers = {stranger_to_the_door(path, **JOIN).content for path in [*paths, link(expired)]}
    assert len(answers) == 1
    assert b"does not work any more" in answers.pop()


def test_o7_reading_the_link_writes_nothing(harbor: Brokerage) -> None:
    invitation = invited(harbor)
    before = Invitation.objects.values().get(pk=invitation.pk)
    assert stranger_to_the_door(link(invitation)).status_code == 200
    assert Invitation.objects.values().get(pk=invitation.pk) == before
    assert Client().put(link(invitation)).status_code == 405


# --- The last owner ---------------------------------------------------------------------------------------------------


def test_o7_the_last_owner_can_be_neither_removed_nor_demoted(harbor: Brokerage) -> None:
    for role in (Membership.Role.ADMIN, Membership.Role.MEMBER):
        with pytest.raises(LastOwnerError):
            add_member(unit=harbor.whole, user=harbor.broker, role=role)
    with pytest.raises(LastOwnerError):
        end_membership(unit=harbor.whole, user=harbor.broker)
    second = leave_company(make_manager(harbor.whole, role="owner"))
    Membership.objects.filter(user=second).update(ended_at=None)
    with pytest.raises(LastOwnerError):  # who cannot sign in does not count
        end_membership(unit=harbor.whole, user=harbor.broker)


def test_o7_an_owner_may_go_while_another_stays(harbor: Brokerage) -> None:
    second = make_manager(harbor.whole, role="owner")
    end_membership(unit=harbor.whole, user=harbor.broker)
    with pytest.raises(LastOwnerError):
        end_membership(unit=harbor.whole, user=second)
    end_membership(unit=harbor.lakeside, user=harbor.ana)
    assert not Membership.objects.current().filter(user=harbor.ana).exists()
