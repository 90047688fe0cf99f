"""One scene for all rows of the endpoint table, since no request leaves anything behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from tests.architecture.endpoints import clients_of
from tests.factories.crossing import Crossing, crossing


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Crossing]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield crossing()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def clients(scene: Crossing) -> dict[str, Client]:
    return clients_of(scene)
