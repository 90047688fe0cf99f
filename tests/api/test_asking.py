"""Who may ask the API, how often, and whom it tells of (I3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.core.pagination import write_cursor
from leads.services.transferring import transfer_leads
from permissions.models import ApiToken, Profile
from permissions.profiles.services import give_profile
from permissions.tokens.services import Scope, revoke
from tests.api.asking import Program, refusal
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger

MAYA = {"first_name": "Maya", "emails": ["maya@example.com"]}


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def ana(harbor: Brokerage) -> Program:
    return Program(harbor.ana)


def test_i3_without_a_valid_token_nobody_is_let_in(harbor: Brokerage, ana: Program) -> None:
    for key in ("", "fl_nonsense", "fl_ü", "x" * 5000):
        ana.key = key
        assert "Bearer" in refusal(ana.ask("GET", "leads"), 401)
    response = Client().get("/api/v1/leads")
    refusal(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


def test_i3_a_token_does_only_what_its_scopes_say(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    reader = Program(harbor.ana, Scope.LEADS_READ)
    reader.get(f"leads/{lead.public_id}")
    assert "leads:write" in refusal(reader.post("leads", {**MAYA, "owner_id": harbor.ana.pk}), 403)
    assert "directory:read" in refusal(reader.ask("GET", "users"), 403)
    assert "leads:read" in refusal(Program(harbor.ana, Scope.DIRECTORY_READ).ask("GET", "leads"), 403)


def test_i3_a_profile_without_adding_leads_adds_none_by_a_program(harbor: Brokerage, ana: Program) -> None:
    bare = Profile.objects.create(company=harbor.company, code="bare", name="Bare", permissions=[])
    give_profile(harbor.ana, bare.code)
    assert "adding leads" in refusal(ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk}), 403)


def test_i3_an_ended_a_revoked_and_a_leavers_token_open_nothing(harbor: Brokerage) -> None:
    ended, revoked, left = Program(harbor.ana), Program(harbor.ben), Program(harbor.dee)
    ApiToken.objects.filter(user=harbor.ana).update(ends_at=timezone.now())
    revoke(actor=harbor.ben, token=ApiToken.objects.get(user=harbor.ben))
    harbor.dee.is_active = False
    harbor.dee.save()
    for program in (ended, revoked, left):
        refusal(program.ask("GET", "leads"), 401)


def test_i3_a_session_must_pass_the_check_against_forged_forms(harbor: Brokerage) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(harbor.ana)
    assert client.get("/api/v1/leads").status_code == 200
    sent = {**MAYA, "owner_id": harbor.ana.pk}
    refusal(client.post("/api/v1/leads", sent, content_type="application/json"), 403)
    client.get("/me/")
    token = client.cookies["csrftoken"].value
    answer = client.post("/api/v1/leads", sent, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201


def test_i3_too_many_requests_are_told_to_wait(harbor: Brokerage, ana: Program, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = 3
    settings.API_WRONG_KEYS_A_MINUTE = 2
    for _ in range(3):
        ana.get("stages")
    response = ana.ask("GET", "stages")
    refusal(response, 429)
    assert 0 < int(response["Retry-After"]) <= 60
    ana.key = "fl_wrong"
    assert [ana.ask("GET", "stages").status_code for _ in range(3)] == [401, 401, 429]


def test_i3_no_such_address_and_no_such_method_are_problems_too(harbor: Brokerage, ana: Program) -> None:
    refusal(ana.ask("GET", "frobnicate"), 404)
    response = ana.ask("DELETE", "leads")
    refusal(response, 405)
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("viewing", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"])
def test_i3_whatever_cannot_be_answered_is_a_problem(
    client: Client, harbor: Brokerage, method: str, viewing: bool
) -> None:
    """Signed in by session, where Django, doors and the check of forms refuse beside the API."""
    if viewing:
        client.force_login(harbor.broker)
        assert client.post(f"/view-as/{harbor.ana.pk}/").status_code == 302
    paths = ("leads/%00", "a%0Ab", "nowhere", "", "leads/Maya/", "leads/%ff", "campaigns/x/hopper", "%00", "docs/")
    for path in paths:
        response = client.generic(method, f"/api/v1/{path}")
        assert 400 <= response.status_code < 500, path
        assert response["Content-Type"] == "application/problem+json", path
        if method != "HEAD":
            refusal(response, response.status_code)
    for page in ("docs", "openapi.json"):
        if method not in ("GET", "HEAD") and not viewing:
            assert Client(enforce_csrf_checks=True).generic(method, f"/api/v1/{page}").status_code == 405
        response = client.generic(method, f"/api/v1/{page}")
        assert response.status_code < 400 or response["Content-Type"] == "application/problem+json", page


def test_i3_a_malformed_request_is_a_problem_too(harbor: Brokerage, ana: Program) -> None:
    refusal(Client().get("/api/v1/leads", headers={"Host": "ev_il"}), 400)
    refusal(ana.ask("GET", "leads?" + "&".join(f"a{number}=1" for number in range(1100))), 400)
    client = Client()
    client.force_login(harbor.ana)
    client.get("/me/")
    refusal(client.get("/api/v1/leads", headers={"X-Page": "another"}), 403)
    assert "text/html" in client.get("/people/nowhere/")["Content-Type"]


def test_i3_refusals_are_in_words_of_our_own(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    for response in (
        ana.post("leads", {}),
        ana.post("leads", {**MAYA, "time_zone": "Mars"}),
        ana.ask("PATCH", f"leads/{lead.public_id}", {"price_min": 2, "price_max": 1}),
        ana.post(f"leads/{lead.public_id}/activities", {"kind": "note"}),
    ):
        words = refusal(response, 422)
        assert "alue error" not in words
        assert words.endswith(".")


def test_i3_a_request_that_is_too_large_is_a_problem_too(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    large = {"first_name": "A" * 5 * 1024 * 1024}
    for method, path in (
        ("POST", "leads"),
        ("POST", "leads/batch"),
        ("PATCH", f"leads/{lead.public_id}"),
        ("POST", f"leads/{lead.public_id}/activities"),
        ("POST", "campaigns/1/hopper"),
    ):
        keyed = {"Idempotency-Key": "large"}
        assert "5 MB at most" in refusal(ana.ask(method, path, large, **keyed), 413), path
    client = Client(enforce_csrf_checks=True)
    client.force_login(harbor.ana)
    client.get("/me/")
    form = "application/x-www-form-urlencoded"  # whose token against forged forms is looked for in the body
    refusal(client.post("/api/v1/leads", "a=" + large["first_name"], content_type=form), 413)


def test_i3_a_cursor_that_is_none_of_the_list_is_refused(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    others = write_cursor(["colour", "red", 1])
    for path in ("leads", f"leads/{lead.public_id}/activities", "users"):
        for junk in ("x", "gAAAAA", "%00", "%F0%9F%98%80", "0", others, others[:-4]):
            assert "cursor" in refusal(ana.ask("GET", f"{path}?cursor={junk}"), 422), (path, junk)
        ana.get(f"{path}?cursor=")
    assert "cursor" in refusal(ana.ask("GET", f"leads?sort=created&cursor={write_cursor(['score', 1, 1])}"), 422)
    ana.get(f"leads?sort=score&cursor={write_cursor(['score', 1, 1])}")
    assert "cursor" in refusal(ana.ask("GET", f"leads?sort=-score&cursor={write_cursor(['score', 1, 1])}"), 422)


# --- the directory ----------------------------------------------------------------------------------------------------


def test_i3_people_are_those_she_may_choose(harbor: Brokerage, ana: Program) -> None:
    names = {user["name"] for user in ana.get("users")["users"]}
    assert {"Ana", "Ben"} <= names
    assert "Eve" not in names
    assert [user["id"] for user in ana.get("users?q=bEn")["users"]] == [harbor.ben.pk]
    lines = ana.ask("GET", "users.csv?q=ana")
    content = b"".join(lines.streaming_content).decode()
    assert content.splitlines()[1].startswith(f"{harbor.ana.pk},Ana,")
    everybody = Program(harbor.broker).get("users")["users"]
    assert {"Ana", "Eve", "Dee", "Broker"} <= {user["name"] for user in everybody}
    assert {user["name"] for user in Program(stranger()).get("users")["users"]} == {"Stranger"}


def test_i3_a_transferred_lead_is_gone_with_the_next_request(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    ana.get(f"leads/{lead.public_id}")
    transfer_leads(actor=fresh(harbor.ana), lead_ids=[lead.pk], to=harbor.ben, why="test")
    refusal(ana.ask("GET", f"leads/{lead.public_id}"), 404)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "leads"), ("POST", "leads"), ("GET", "users"), ("GET", "nowhere")]
)
def test_v7_who_views_as_somebody_is_refused_in_the_shape_of_refusals(
    client: Client, harbor: Brokerage, method: str, path: str
) -> None:
    client.force_login(harbor.broker)
    assert client.post(f"/view-as/{harbor.ana.pk}/").status_code == 302
    words = refusal(client.generic(method, f"/api/v1/{path}", "{}", content_type="application/json"), 403)
    assert "viewing Fairlead as somebody else" in words
