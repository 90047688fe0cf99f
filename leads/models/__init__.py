"""The lead and what belongs to it."""

from leads.models.activity import Activity
from leads.models.batch import Batch, BatchChunk, BatchItem
from leads.models.conflict import Conflict
from leads.models.consent import Consent
from leads.models.imports import ImportChange, ImportedKey, ImportPart, ImportRow, ImportRun, ImportTemplate
from leads.models.lead import Assignment, ContactPoint, Lead, LeadSearch
from leads.models.lists import CustomField, SlotRole, Source, Stage
from leads.models.mail import Mail
from leads.models.pond import Pond, PondClaim, PondMember
from leads.models.request import OwnershipRequest
from leads.models.saved_view import SavedView
from leads.models.share import LeadShare
from leads.models.task import Task
from leads.models.template import MessageTemplate

__all__ = [
    "Activity",
    "Assignment",
    "Batch",
    "BatchChunk",
    "BatchItem",
    "Conflict",
    "Consent",
    "ContactPoint",
    "CustomField",
    "ImportChange",
    "ImportPart",
    "ImportRow",
    "ImportRun",
    "ImportTemplate",
    "ImportedKey",
    "Lead",
    "LeadSearch",
    "LeadShare",
    "Mail",
    "MessageTemplate",
    "OwnershipRequest",
    "Pond",
    "PondClaim",
    "PondMember",
    "SavedView",
    "SlotRole",
    "Source",
    "Stage",
    "Task",
]
