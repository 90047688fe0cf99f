"""Until when it is of use to disturb somebody with a notification."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User

FindEnd = Callable[[User, int | None], datetime | None]
USUALLY = timedelta(days=1)
_ends: dict[str, FindEnd] = {}


def register_end(kind: str, find: FindEnd) -> None:
    """Declared by higher rooms: until when that stands of which this kind tells (a lead, or several); None: it is over."""
    _ends[kind] = find


def seconds_left(notification: Notification) -> int:
    """How long it is still of use; 0 or less where it is over."""
    find = _ends.get(notification.kind)
    end = find(notification.user, notification.lead_id) if find else notification.created_at + USUALLY
    return int((end - timezone.now()).total_seconds()) if end else 0
