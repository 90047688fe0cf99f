"""Rosters, rotations, offers and decisions (R1–R9); channels and what came in by them (C1–C9)."""

from routing.models.channels import Channel, FieldMap
from routing.models.inbound import InboundLead, InboundRequest
from routing.models.offers import Decision, Offer, RosterMember, Rotation, RoutingPolicy

__all__ = [
    "Channel",
    "Decision",
    "FieldMap",
    "InboundLead",
    "InboundRequest",
    "Offer",
    "RosterMember",
    "Rotation",
    "RoutingPolicy",
]
