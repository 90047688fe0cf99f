"""The unseen field of forms that can be sent once (crm/core/sending.py)."""

from __future__ import annotations

import re

SENT = re.compile(r'name="sent" value="([\w-]+)"')


def sending_of(html: str) -> str:
    """What this page's form says of its sending."""
    found = SENT.search(html)
    assert found, "no form that can be sent once"
    return found[1]
