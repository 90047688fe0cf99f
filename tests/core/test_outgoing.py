"""Requests to addresses that people gave reach the public internet, and nothing else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from crm.core.outgoing import NotPublicError, checked, is_public, post

INSIDE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:db8::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_outside_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_every_way_to_write_this_machine_is_refused(host: str) -> None:
    with pytest.raises(NotPublicError):
        post(f"https://{host}/", b"", {})


@pytest.mark.parametrize(
    "host",
    ["10.1.2.3", "0x7f000001", "127.1", "[fe80::1]", "Localhost.", "me.localhost", "wiki", "db.internal", "a.local"],
)
def test_what_leads_inside_is_refused_before_anything_is_looked_up(host: str) -> None:
    with pytest.raises(NotPublicError, match="public internet"):
        checked(f"https://{host}/")


@pytest.mark.parametrize("host", ["8.8.8.8", "push.example", "[2606:4700::1111]", "localhost.example"])
def test_what_may_lead_outside_is_not(host: str) -> None:
    assert checked(f"https://{host}/").hostname


def test_a_name_of_which_one_address_is_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved_to(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(NotPublicError):
        post("https://rebinding.example/", b"", {})


def test_what_was_checked_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolved_to(monkeypatch, "8.8.8.8")
    connected: list[Any] = []

    def connect(place: Any, timeout: float) -> socket.socket:
        connected.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        post("https://push.example/a", b"", {})
    assert connected == [("8.8.8.8", 443)]
    assert asked == ["push.example"]


def resolved_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Every name leads to these; which names were asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int, *, flags: int = 0, **more: Any) -> list[Any]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror  # it is a name
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize(
    "url", ["http://push.example/", "ftp://push.example/", "https:///a", "https://a@b/", "https://b:c/"]
)
def test_other_addresses_are_not_asked_at_all(url: str) -> None:
    with pytest.raises(ValueError):
        checked(url)


@pytest.fixture
def dripping(settings: Any) -> Iterator[str]:
    """A server that never comes to the end of its answer."""
    settings.LOCAL_ADDRESSES = True
    server, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        line, _ = server.accept()
        with line:
            line.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                try:
                    line.sendall(b"X-More: 1\r\n")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    over.set()
    thread.join()
    server.close()


def test_a_server_that_drips_is_left_in_time(dripping: str) -> None:
    started = time.monotonic()
    with pytest.raises(OSError):  # whichever way the cut line shows
        post(dripping, b"", {}, patience=0.5)
    assert time.monotonic() - started < 3
