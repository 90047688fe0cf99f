"""The surface of channels: which leads came by one, for whoever manages it."""

from __future__ import annotations

from leads.models import Lead
from routing.models import InboundLead, InboundRequest
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, read, surface
from tests.routing.capture.scenes import make_channel


@surface("channel", expects=read)
def channel_of_late(visit: Visit) -> Told:
    """All leads there are are said to have come by a channel of her own."""
    channel = make_channel(visit.user)
    owned = {"company": channel.company, "channel": channel}
    request = InboundRequest.objects.create(body=b"{}", digest=b"1", state="read", **owned)
    InboundLead.objects.bulk_create(
        InboundLead(request=request, number=number, key=bytes([number]), state="created", lead=lead, **owned)
        for number, lead in enumerate(Lead.objects.order_by("pk"))
    )
    return told(visit.get("channel", channel.public_id))
