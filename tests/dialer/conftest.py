"""What tests of the phone stand on: a brokerage by day whose agents have phones, and a Twilio to ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from tests.dialer.test_gates import NOON
from tests.dialer.twilio_service import AGENT, BENS, TwilioService, twilio_service
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Iterator[Brokerage]:
    with time_machine.travel(NOON, tick=True):
        made = brokerage()
        for user, phone in ((made.ana, AGENT), (made.ben, BENS)):
            user.phone = phone
            user.save(update_fields=["phone"])
        yield made


@pytest.fixture
def twilio(settings: Any) -> Iterator[TwilioService]:
    with twilio_service() as service:
        settings.TWILIO_API = service.address
        yield service
