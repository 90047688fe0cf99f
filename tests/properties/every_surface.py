"""Every surface there is: those of a page's own file register themselves when it is read."""

from __future__ import annotations

from tests.properties import (
    surfaces_of_batches,
    surfaces_of_calling,
    surfaces_of_campaigns,
    surfaces_of_channels,
    surfaces_of_conflicts,
    surfaces_of_desk,
    surfaces_of_duplicates,
    surfaces_of_erasure,
    surfaces_of_figures,
    surfaces_of_files,
    surfaces_of_ledger,
    surfaces_of_monitors,
    surfaces_of_ponds,
    surfaces_of_reports,
    surfaces_of_requests,
    surfaces_of_rules,
    surfaces_of_search,
    surfaces_of_tasks,
    surfaces_of_the_api,
    surfaces_of_webhooks,
)
from tests.properties.surfaces import SURFACES

FILES = (
    surfaces_of_batches,
    surfaces_of_calling,
    surfaces_of_campaigns,
    surfaces_of_desk,
    surfaces_of_channels,
    surfaces_of_conflicts,
    surfaces_of_duplicates,
    surfaces_of_erasure,
    surfaces_of_figures,
    surfaces_of_files,
    surfaces_of_ledger,
    surfaces_of_monitors,
    surfaces_of_ponds,
    surfaces_of_reports,
    surfaces_of_requests,
    surfaces_of_rules,
    surfaces_of_search,
    surfaces_of_tasks,
    surfaces_of_the_api,
    surfaces_of_webhooks,
)

__all__ = ["FILES", "SURFACES"]
