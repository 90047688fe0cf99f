"""The surface of channels: which leads came by one, for whoever manages it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from leads.models import Lead
from routing.models import Channel, InboundLead, InboundRequest
from routing.views.channels import MOST_RECENT
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, read, surface
from tests.routing.capture.scenes import make_channel


@surface("channel", expects=read)
def channel_of_late(visit: Visit) -> Told:
    """All leads there are are said to have come by channels of her own."""
    found: Told = {}
    for leads in batched(Lead.objects.order_by("pk"), MOST_RECENT):
        found |= told(visit.get("channel", came_by(make_channel(visit.user), leads).public_id))
    return found


def came_by(channel: Channel, leads: Sequence[Lead]) -> Channel:
    owned = {"company": channel.company, "channel": channel}
    request = InboundRequest.objects.create(body=b"{}", digest=b"1", state="read", **owned)
    InboundLead.objects.bulk_create(
        InboundLead(request=request, number=number, key=bytes([number]), state="created", lead=lead, **owned)
        for number, lead in enumerate(leads)
    )
    return channel


def batched(leads: Iterable[Lead], size: int) -> Iterator[list[Lead]]:
    rows = list(leads)
    return (rows[start : start + size] for start in range(0, len(rows), size))
