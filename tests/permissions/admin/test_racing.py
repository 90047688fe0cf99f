"""Two owners who take each other's role at the same moment: one of them stays."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import connection

from crm.organization.models import Membership, User
from permissions.joining.memberships import give_role
from tests.factories.people import fresh, make_manager
from tests.factories.scenes import Brokerage, brokerage
from tests.support.racing import together


def demote(harbor: Brokerage, actor: User, user: User) -> str:
    try:
        give_role(actor=fresh(actor), user=user, unit=harbor.whole, role="member")
    except PermissionDenied:
        return "has lost the role herself"
    return "done"


def test_o7_two_owners_do_not_demote_each_other_at_once(committing_db: str) -> None:
    harbor = brokerage()
    second = make_manager(harbor.whole, "Second", role="owner")
    connection.close()
    told = together(lambda: demote(harbor, harbor.broker, second), lambda: demote(harbor, second, harbor.broker))
    assert sorted(told) == ["done", "has lost the role herself"]
    assert Membership.objects.current().filter(unit=harbor.whole, role="owner").count() == 1
