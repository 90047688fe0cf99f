"""Viewing the product as another person (V7): what the session knows of it, read without the database.

Who may, and what is shown then, is decided where permissions are.
"""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

KEY = "viewing"
LONGEST = 3600  # seconds


@dataclass(frozen=True)
class Viewing:
    """Who looks, as whom (ids of people), until when (seconds since 1970)."""

    viewer_id: int
    person_id: int
    until: int


def begin_viewing(session: SessionBase, viewer_id: int, person_id: int) -> Viewing:
    viewing = Viewing(viewer_id, person_id, int(time.time()) + LONGEST)
    session[KEY] = astuple(viewing)
    return viewing


def viewing_in(session: SessionBase) -> Viewing | None:
    """What goes on now; None where nothing does, its time is up, or somebody else is signed in by now."""
    kept = session.get(KEY)
    viewing = Viewing(*kept) if kept else None
    if viewing is None or viewing.until <= time.time() or str(viewing.viewer_id) != session.get(SESSION_KEY):
        return None
    return viewing


def end_viewing(session: SessionBase) -> None:
    session.pop(KEY, None)


def person_in(session: SessionBase) -> int | None:
    """The id of the person whose product this session shows: who is signed in, or whom she views it as."""
    viewing = viewing_in(session)
    signed_in = session.get(SESSION_KEY)
    return viewing.person_id if viewing else int(signed_in) if signed_in else None


def page_key(session: SessionBase) -> str:
    """What tells pages of this session from those of another person, or of viewing as one."""
    viewing = viewing_in(session)
    return f"{viewing.viewer_id}-{viewing.person_id}" if viewing else session.get(SESSION_KEY, "")
