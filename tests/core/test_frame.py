"""The frame around every page."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from tests.factories.scenes import brokerage

pytestmark = pytest.mark.django_db


def test_every_entry_of_the_rail_is_told_with_its_key(client: Client) -> None:
    harbor = brokerage()
    for person in (harbor.ana, harbor.lead, harbor.broker):
        client.force_login(person)
        html = client.get("/notifications/").content.decode()
        entries = re.findall(r'data-go="(\w)"[^>]*title="(\w+)"', html)
        told = html[html.index("then</h3>") :]
        assert len(entries) > 5
        for key, label in entries:
            assert re.search(rf"<dt>{label}</dt><dd>\s*<kbd[^>]*>{key}</kbd>", told), (person, label)


def test_htmx_carries_no_inline_style_over(client: Client) -> None:
    """The policy forbids it; a box that was drawn larger has one."""
    page = client.get("/accounts/login/").content.decode()
    config = json.loads(re.findall(r"name=\"htmx-config\" content='([^']+)'", page)[0])
    assert "style" not in config["attributesToSettle"]
