"""D11: when a callback may be promised for, by whose clock, and when not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from crm.organization.models import User
from dialer.services.callbacks import NotThenError, promise
from leads.models import Task
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

NEW_YORK, PHOENIX = "+12125550115", "+16025550115"
pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    with time_machine.travel("2026-03-02T15:00Z"):
        return brokerage()


def ask(client: Client, harbor: Brokerage, number: str, at: str, clock: str) -> Any:
    User.objects.filter(pk=harbor.ana.pk).update(time_zone="America/New_York")
    lead = make_lead(harbor.ana, phones=[number])
    client.force_login(harbor.ana)
    sent = {"at": at, "clock": clock, "who": "me"}
    return client.post(f"/dialer/lead/{lead.public_id}/callback/", sent)


@pytest.mark.parametrize(("number", "clock"), [(NEW_YORK, "theirs"), (NEW_YORK, "mine"), (PHOENIX, "mine")])
@time_machine.travel("2026-03-02T15:00Z")
def test_d11_in_the_hour_that_clocks_skip_nobody_is_promised_a_call(
    client: Client, harbor: Brokerage, number: str, clock: str
) -> None:
    refused = ask(client, harbor, number, "2026-03-08T02:30", clock)
    page = refused.content.decode()
    assert (refused.status_code, "On 8 March 2026 the clocks skip from 02:00 to 03:00" in page) == (422, True)
    assert 'value="2026-03-08T02:30"' in page
    assert not Task.objects.exists()


@time_machine.travel("2026-03-02T15:00Z")
def test_d11_where_no_clock_skips_it_her_own_does_not_count(client: Client, harbor: Brokerage) -> None:
    page = ask(client, harbor, PHOENIX, "2026-03-08T02:30", "theirs").content.decode()
    assert "clocks skip" not in page
    assert "The lead may not be called then." in page  # at half past two in the night


@pytest.mark.parametrize("clock", ["theirs", "mine"])
def test_d11_a_call_in_a_hundred_years_is_no_promise(client: Client, harbor: Brokerage, clock: str) -> None:
    refused = ask(client, harbor, NEW_YORK, "2126-01-05T10:00", clock)
    page = refused.content.decode()
    assert (refused.status_code, "more than ten years ahead" in page) == (422, True)
    assert 'value="2126-01-05T10:00"' in page
    lead, far = make_lead(harbor.ana, phones=[PHOENIX]), timezone.now() + timedelta(days=36_500)
    with pytest.raises(NotThenError, match="ten years"):
        promise(actor=harbor.ana, lead=lead, number=PHOENIX, at=far)
    assert not Task.objects.exists()
