"""The lead and what belongs to it."""

from leads.models.activity import Activity
from leads.models.batch import Batch, BatchItem
from leads.models.conflict import Conflict
from leads.models.consent import Consent
from leads.models.imports import ImportedKey, ImportPart, ImportRow, ImportRun
from leads.models.lead import Assignment, ContactPoint, Lead, LeadSearch
from leads.models.lists import CustomField, SlotRole, Source, Stage
from leads.models.pond import Pond, PondClaim, PondMember
from leads.models.request import OwnershipRequest
from leads.models.share import LeadShare
from leads.models.task import Task

__all__ = [
    "Activity",
    "Assignment",
    "Batch",
    "BatchItem",
    "Conflict",
    "Consent",
    "ContactPoint",
    "CustomField",
    "ImportPart",
    "ImportRow",
    "ImportRun",
    "ImportedKey",
    "Lead",
    "LeadSearch",
    "LeadShare",
    "OwnershipRequest",
    "Pond",
    "PondClaim",
    "PondMember",
    "SlotRole",
    "Source",
    "Stage",
    "Task",
]
