"""What the timeline says of a text or an e-mail that is not simply sent."""

from __future__ import annotations

from typing import Any

from leads.models import Activity


def delivery_of(activity: Activity) -> dict[str, Any]:
    """The fields of its event. The activity is read with its e-mail, if it has one."""
    mail = getattr(activity, "mail", None)
    if mail is None:
        return {"failed": activity.pk} if activity.outcome == Activity.Delivery.FAILED else {}
    if activity.outcome == Activity.Delivery.FAILED:
        return {"mail": mail.pk if mail.to else 0, "problem": mail.error}
    return {"sending": mail.pk, "problem": mail.error} if activity.outcome == Activity.Delivery.SENDING else {}
