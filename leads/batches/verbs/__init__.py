"""The verbs, one a file."""

from leads.batches.verb import register
from leads.batches.verbs.assigning import Assign, Release
from leads.batches.verbs.closing import CloseUnit
from leads.batches.verbs.covering import Cover
from leads.batches.verbs.deleting import Delete
from leads.batches.verbs.departing import Depart
from leads.batches.verbs.emailing import EmailMany
from leads.batches.verbs.exporting import Export
from leads.batches.verbs.hiding import Hide, Show
from leads.batches.verbs.importing import TakeBack
from leads.batches.verbs.merging import Merge
from leads.batches.verbs.owner import ChangeOwner
from leads.batches.verbs.pooling import MoveToPond
from leads.batches.verbs.sharing import Revoke, Share
from leads.batches.verbs.stage import ChangeStage
from leads.batches.verbs.tags import ChangeTags
from leads.batches.verbs.taking import TakeAlong


def register_all() -> None:
    """In the order of the selection bar."""
    for verb in (
        *(ChangeStage(), EmailMany(), Assign(), ChangeOwner()),
        *(
            Release(),
            MoveToPond(),
            Cover(),
            ChangeTags(),
            Share(),
            Revoke(),
            Hide(),
            Show(),
            Merge(),
            Export(),
            Delete(),
            Depart(),
            CloseUnit(),
            TakeAlong(),
            TakeBack(),
        ),
    ):
        register(verb)
