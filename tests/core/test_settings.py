"""A bad setting stops the start with a sentence that names it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

import crm.settings


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(crm.settings.__file__)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("FAIRLEAD_DEBUG", "perhaps"),
        ("FAIRLEAD_DEMO", "yes please"),
        ("DATABASE_URL", "mysql://host/name"),
        ("EMAIL_URL", "mail.example.com"),
        ("LOG_LEVEL", "loud"),
        ("PUSH_KEY", "not a key"),
        ("LEADS_MAIL", "leads@"),
        ("LEADS_MAIL", "leads@{}.example"),
        ("LEADS_IMAP_URL", "https://me:word@host"),
        ("LEADS_IMAP_URL", "imaps://host"),
        ("LEADS_IMAP_URL", "imaps://me:wörd@host"),
        ("LEADS_IMAP_URL", "imaps://me:word@host/Leads"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        load(monkeypatch, **{name: value})


def test_an_encoded_socket_folder_in_a_database_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, DATABASE_URL="postgresql://me@/db?host=%2Fvar%2Frun", FAIRLEAD_AS_OWNER="0")
    database = found["DATABASES"]["default"]
    assert (database["HOST"], database["NAME"], database["USER"]) == ("/var/run", "db", "me")
    assert not found["EMBEDDED_DATABASE"]


def test_a_given_database_gets_no_demo_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRLEAD_DEMO", raising=False)
    assert load(monkeypatch)["DEMO"] is True
    assert load(monkeypatch, DATABASE_URL="postgresql://host/name")["DEMO"] is False


@pytest.mark.parametrize("name", ["SECRET_KEY", "PUSH_KEY"])
def test_a_generated_key_is_kept_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    keys = {load(monkeypatch, FAIRLEAD_DATA=str(tmp_path / "new"), **{name: ""})[name] for _ in range(2)}
    assert len(keys) == 1
    file = tmp_path / "new" / name.lower().replace("_", "-")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() in keys


def test_a_push_key_of_one_s_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, PUSH_KEY="a" * 43)["PUSH_KEY"] == "a" * 43


def test_a_public_https_address_makes_cookies_secure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, PUBLIC_URL="https://crm.example.com")
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_SSL_REDIRECT"]
    assert found["ALLOWED_HOSTS"][0] == "crm.example.com"


def test_a_socket_is_written_the_way_the_broker_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, REDIS_URL="unix:///run/v.sock?db=3")
    assert found["CELERY_BROKER_URL"] == "redis+socket:///run/v.sock?virtual_host=3"


def test_a_mailbox_is_read_from_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "imaps://leads%40crm.example:pass%2Fword@mail.example/In/Leads"
    found = load(monkeypatch, LEADS_IMAP_URL=url, LEADS_MAIL="Leads@CRM.example")
    wanted = {"host": "mail.example", "port": 993, "user": "leads@crm.example", "password": "pass/word"}
    assert found["LEADS_MAILBOX"] == wanted | {"folder": "In/Leads", "tls": "imaps"}
    assert found["LEADS_MAIL"] == "leads+{}@crm.example"
    assert load(monkeypatch, LEADS_MAIL="leads.example", LEADS_IMAP_URL="")["LEADS_MAIL"] == "{}@leads.example"
