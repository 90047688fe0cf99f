"""What every test stands on: the embedded servers, a database per worker, and for some a database or product of its own."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.middleware import csrf
from hypothesis import Phase
from pytest_django.plugin import DjangoDbBlocker

from crm.core.embedded.servers import Servers
from crm.organization import beginning
from tests.support import chromium, environment
from tests.support.databases import clone, connected_to, drop_leftovers
from tests.support.product import Product

FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

pytest_plugins = ["tests.support.strict"]

# a property that fails must not use up the time of all others: five minutes each are spent on making it small
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("ci"), phases=set(Phase) - {Phase.shrink})
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

csrf.CSRF_ALLOWED_CHARS = "jkqvwx"  # so that no token happens to contain a name that a page must not show

servers: Servers | None = None
numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The process that started pytest runs the servers, for itself and for its xdist workers."""
    global servers
    if environment.held is not None and not session.config.option.collectonly:
        servers = Servers(settings.DATA, tuning=FAST_AND_FORGETFUL)
        servers.start(time.sleep)
        drop_leftovers()


def pytest_unconfigure() -> None:
    """After the last worker has gone."""
    if servers is not None:
        servers.stop()


def pytest_report_header() -> str:
    return f"data: {settings.DATA}, browser: {chromium.find() or chromium.NONE}"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker and marker.kwargs.get("transaction"):
            raise pytest.UsageError(f"{item.nodeid}: use the fixture committing_db, not django_db(transaction=True).")
        if "running_product" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("product"))  # one product is enough for one machine


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Each worker works on its own clone of the migrated template, connected as the application's role."""
    with django_db_blocker.unblock(), clone(f"test_{WORKER}") as name, connected_to(name):
        yield


@pytest.fixture
def committing_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A fresh database for tests that must commit (threads, workers, races); its name. Dropped afterwards."""
    with django_db_blocker.unblock(), clone(f"test_{WORKER}_{next(numbers)}") as name, connected_to(name):
        yield name


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Counters, limits and queued messages end with the test."""
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests are of an installation that is in use, though their database may be empty."""
    monkeypatch.setattr(beginning, "_begun", True)


@pytest.fixture(scope="session")
def whole_product() -> Iterator[Product]:
    """A complete product with the demo companies on a data folder of its own, started as `make run` starts it."""
    product = Product(settings.DATA / f"product-{WORKER}", demo=True)
    product.start()
    try:
        yield product
    finally:
        product.stop()


@pytest.fixture
def running_product(whole_product: Product, django_db_blocker: DjangoDbBlocker) -> Iterator[Product]:
    """The whole product, in good health at the beginning of the test, which may look into its database."""
    whole_product.wait_until_well()
    with django_db_blocker.unblock():
        yield whole_product
