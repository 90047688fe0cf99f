"""Every address says who may knock. What each kind of person is answered there is in endpoints.txt."""

from __future__ import annotations

from typing import Any

import pytest

from crm.core.doors import mark_of
from tests.architecture.addresses import addresses, is_of_the_sign_in_library
from tests.architecture.tree import assert_only

PUBLIC = {  # besides the pages of the sign-in library, which have their own checks
    "healthz",
    # ask for a token or a session each by itself (crm/api/asking.py), but for what describes them
    *(f"api:{name}" for name in ("api-root", "nothing", "openapi-json", "openapi-view")),
    *(f"api:{name}" for name in ("leads", "leads-batch", "lead", "lead-activities")),
    *(f"api:{name}" for name in ("users", "users-csv", "stages", "fields", "channels", "campaigns", "hopper")),
    "hosted-form",  # for whoever wants to be called
    "inbound",  # asks for the channel’s key
    # hear only what the phone provider signed
    *("phone-bridge", "phone-bridged", "phone-message", "phone-rung", "phone-status", "phone-taken", "phone-text"),
    *("phone-text-status", "phone-voice"),
    "invitation-accept",  # its token is the key
    "service-worker",  # the same script for everybody
    "setup",  # its code is the key, while there is no company
    "way-out",  # its signed address is the key
    "live",  # asks the session by itself, so as not to touch the database
}
ALL = list(addresses())


@pytest.mark.parametrize(("address", "view"), [(str(one), one.view) for one in ALL], ids=map(str, ALL))
def test_every_address_has_a_door(address: str, view: Any) -> None:
    assert mark_of(view) is not None, f"{address}: put @door or @public on {view}"


def test_public_addresses_are_few_and_known() -> None:
    public = {
        str(one)
        for one in ALL
        if (mark := mark_of(one.view)) and mark.public and not is_of_the_sign_in_library(one.view)
    }
    assert_only(public, PUBLIC)
