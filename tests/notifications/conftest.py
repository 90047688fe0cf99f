from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.notifications.push_service import PushService, push_service


@pytest.fixture
def service(settings: Any) -> Iterator[PushService]:
    settings.LOCAL_ADDRESSES = True
    with push_service() as running:
        yield running
