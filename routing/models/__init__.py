"""Rosters, rotations, offers and decisions (R1–R9); channels and what came in by them (C1–C9)."""

from routing.models.channels import Channel, FieldMap
from routing.models.inbound import InboundLead, InboundRequest
from routing.models.offers import Decision, Offer, OfferRecipient, Rotation
from routing.models.rosters import RosterMember, RoutingPolicy
from routing.models.rules import LAST, Rule, RuleBook
from routing.models.shadows import ShadowDecision

__all__ = [
    "LAST",
    "Channel",
    "Decision",
    "FieldMap",
    "InboundLead",
    "InboundRequest",
    "Offer",
    "OfferRecipient",
    "RosterMember",
    "Rotation",
    "RoutingPolicy",
    "Rule",
    "RuleBook",
    "ShadowDecision",
]
