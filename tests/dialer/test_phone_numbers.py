"""The numbers of a company (D12, D16): each once, in words, and nothing to do with those of other companies."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import BaseConstraint, Model
from django.test import Client

from dialer.models import InboundCall, PhoneAccount, PhoneNumber
from tests.dialer.test_gates import PHOENIX
from tests.dialer.twilio_service import BENS, OURS, make_account, of_ana, says
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.permissions.admin.walk import REGISTERED

SAVED, REFUSED = 302, 422
ROOMS = {"dialer", "routing"}


def add(client: Client, harbor: Brokerage, **fields: Any) -> tuple[int, str]:
    client.force_login(harbor.broker)
    sent = {"number": OURS, "unit": harbor.north.pk, "when_away": "voicemail", "when_unknown": "voicemail"}
    answer = client.post("/admin/dialer/phonenumber/add/", sent | {"active": "on"} | fields)
    return answer.status_code, answer.content.decode()


def test_d16_another_company_may_have_the_same_number_and_learns_nothing(client: Client, harbor: Brokerage) -> None:
    other = brokerage()
    assert add(client, other)[0] == SAVED
    assert add(client, harbor)[0] == SAVED
    status, html = add(client, harbor)
    assert status == REFUSED
    assert "This number is there already." in html
    assert "phone_number_once" not in html
    found = PhoneNumber.objects.order_by("pk").values_list("company", "number")
    assert list(found) == [(other.company.pk, OURS), (harbor.company.pk, OURS)]


def test_d12_a_call_to_a_number_of_two_companies_is_a_call_to_whose_account_it_is(harbor: Brokerage) -> None:
    other = brokerage()
    PhoneNumber.objects.create(company=other.company, number=OURS, unit=other.north)
    make_lead(other.ana, phones=[PHOENIX])
    account, lead = make_account(harbor), of_ana(harbor)
    sent = {"To": OURS, "From": PHOENIX, "CallSid": "CA1"}
    assert says(f"/dialer/phone/{account.public_id}/voice/", sent).status_code == 200
    call = InboundCall.objects.get()
    assert (call.company, call.number.company, call.lead) == (harbor.company, harbor.company, lead)
    PhoneNumber.objects.filter(company=harbor.company).update(number=BENS)
    assert says(f"/dialer/phone/{account.public_id}/voice/", sent | {"CallSid": "CA2"}).status_code == 404
    assert InboundCall.objects.count() == PhoneAccount.objects.count() == 1


@pytest.mark.parametrize("model", [model for model, _ in REGISTERED if model._meta.app_label in ROOMS], ids=str)
def test_what_the_database_refuses_is_said_in_words(model: type[Model]) -> None:
    """Of a name that is taken the form says it itself."""
    usual = BaseConstraint.default_violation_error_message
    raw = [one.name for one in model._meta.constraints if one.violation_error_message == usual]
    assert [name for name in raw if not name.endswith("_name_unique")] == []
