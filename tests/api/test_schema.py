"""Whatever is sent to the API, it answers as its OpenAPI description says, and never breaks (I3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from crm.api import root
from crm.organization.models import User
from permissions.tokens.services import Scope, issue
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    unsupported_method,
]
api = schemathesis.openapi.from_dict(json.loads(json.dumps(root.api.get_openapi_schema())))
api.app = get_wsgi_application()


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    """A test’s transaction outlives the requests in it, as with Django’s own client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def harbor(db: None) -> Brokerage:
    harbor = brokerage()
    make_lead(harbor.ana, first_name="Maya", emails=["maya@example.com"])
    make_lead(harbor.lakeside, first_name="Jonas", phones=["2015550123"])
    return harbor


def key_of(user: User) -> str:
    return issue(user=user, name="Test", scopes=tuple(Scope), lasts=None)[1]


@pytest.mark.parametrize("who", ["ana", "broker"])
@api.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_i3_every_answer_is_one_of_those_described(case: Any, harbor: Brokerage, who: str, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = settings.API_WRONG_KEYS_A_MINUTE = 10**9
    case.call_and_validate(headers={"Authorization": f"Bearer {key_of(getattr(harbor, who))}"}, checks=CHECKS)
