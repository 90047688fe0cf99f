from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories.scenes import Brokerage, brokerage
from tests.webhooks.receiver import Receiver, receiver


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def there(settings: Any) -> Iterator[Receiver]:
    settings.LOCAL_ADDRESSES = True
    with receiver() as running:
        yield running
