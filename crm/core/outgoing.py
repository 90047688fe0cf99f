"""Requests to addresses that people gave us: over TLS and to the public internet only, whatever their names resolve to.

The address that is checked is the one connected to, and redirects are not followed, so that nothing leads inwards.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import mktime_tz, parsedate_tz
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

CARRIES_OTHERS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
Connection = http.client.HTTPConnection


class NotPublicError(OSError):
    """The address leads to this machine or its own network."""

    def __str__(self) -> str:
        return "it is not on the public internet"


@dataclass(frozen=True)
class Answer:
    """What came back but for the body, which nobody reads."""

    status: int
    headers: Message

    @property
    def retry_after(self) -> int:
        """Seconds, from a number or a date; 0 where nothing readable is said."""
        said = self.headers.get("Retry-After", "").strip()
        if said.isascii() and said.isdigit():
            return int(said)
        moment = parsedate_tz(said)
        return max(0, int(mktime_tz(moment) - time.time())) if moment else 0


def checked(url: str) -> SplitResult:
    """The parts of an address that may be asked. Raises ValueError or NotPublicError with what is wrong with it."""
    parts = urlsplit(url)
    schemes = {"https", "http"} if settings.LOCAL_ADDRESSES else {"https"}
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError("It must begin with https:// and a name.")
    if parts.username or parts.password or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("It must be an address without a name, a password or a space in it.")
    _ = parts.port  # raises ValueError where it is none
    if not settings.LOCAL_ADDRESSES and leads_inside(parts.hostname):
        raise NotPublicError
    return parts


def leads_inside(host: str) -> bool:
    """Whether a host is not of the public internet as it is written, however that is; names are not looked up."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        name = host.rstrip(".")
        return "." not in name or name.endswith(LOCAL_NAMES)
    return not all(is_public(str(place[0])) for *_, place in found)


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet, and carries none inside that is not."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        if any(ip in network for network in CARRIES_OTHERS):
            return False
        ip = ip.ipv4_mapped or ip
    return ip.is_global and not ip.is_multicast


def post(url: str, body: bytes, headers: Mapping[str, str], *, patience: float = 10) -> Answer:
    """The answer, within `patience` seconds all in all. Raises OSError, http.client.HTTPException or ValueError."""
    parts = checked(url)
    connection, started = Connection(parts.netloc), time.monotonic()
    line = connection.sock = _line(parts, patience)
    watch = threading.Timer(patience, _cut, [line])
    watch.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection.request("POST", parts.path + (f"?{parts.query}" if parts.query else ""), body, dict(headers))
        response = connection.getresponse()
        if time.monotonic() - started >= patience:
            raise TimeoutError("it did not come to an end")  # a line that was cut looks like the end of the headers
        return Answer(response.status, response.headers)
    finally:
        watch.cancel()
        line.close()


def _line(parts: SplitResult, patience: float) -> socket.socket:
    """A line to a checked address of the host; one that is not public bars them all."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    found = socket.getaddrinfo(host, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys((str(place[0]), int(place[1])) for *_, place in found))
    if not settings.LOCAL_ADDRESSES and not all(is_public(address) for address, _ in addresses):
        raise NotPublicError
    line = _first(addresses, patience / len(addresses))
    if not secure:
        return line
    return ssl.create_default_context().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)


def _first(addresses: list[tuple[str, int]], patience: float) -> socket.socket:
    """A line to the first address that answers."""
    for place in addresses[:-1]:
        try:
            return socket.create_connection(place, patience)
        except OSError:
            continue
    return socket.create_connection(addresses[-1], patience)


def _cut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
