"""Mail that goes out and comes in, as the environment names it by an address each. Read by the settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def outgoing(url: str, data: Path) -> dict[str, Any]:
    """Mail settings of `smtp://user:password@host:port`, `smtps://…`, `smtp+tls://…`; none: files in the data folder."""
    if not url:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(data / "mail"),
        }
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps", "smtp+tls"} or not parts.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp://user:password@host:port (or smtps://, smtp+tls://)."
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
    }


def leads_mail(text: str) -> str:
    """How a channel's id stands in its e-mail address: `{}@domain`, or `leads+{}@domain`; empty where none is given."""
    if not text:
        return ""
    name, _, domain = text.lower().rpartition("@")
    if not re.fullmatch(r"[\w.-]*", name, re.ASCII) or not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", domain):
        raise ImproperlyConfigured("LEADS_MAIL must be a domain, such as leads.example.com, or leads@example.com.")
    return f"{name}+{{}}@{domain}" if name else f"{{}}@{domain}"


def mailbox(url: str) -> dict[str, Any] | None:
    """The mailbox of `imaps://user:password@host:port/folder` (or `imap://`, `imap+tls://`); none where none is given."""
    if not url:
        return None
    parts = urlsplit(url)
    if not unquote(url).isascii():
        raise ImproperlyConfigured("LEADS_IMAP_URL can have no letters beyond ASCII, as IMAP sends none.")
    if parts.scheme not in {"imap", "imaps", "imap+tls"} or not parts.hostname or not parts.username:
        raise ImproperlyConfigured(
            "LEADS_IMAP_URL must look like imaps://user:password@host:port/folder (or imap://, imap+tls://)."
        )
    return {
        "host": parts.hostname,
        "port": parts.port or (993 if parts.scheme == "imaps" else 143),
        "user": unquote(parts.username),
        "password": unquote(parts.password or ""),
        "folder": unquote(parts.path.strip("/")) or "INBOX",
        "tls": parts.scheme,
    }
