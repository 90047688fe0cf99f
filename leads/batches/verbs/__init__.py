"""The verbs, one a file."""

from leads.batches.verb import register
from leads.batches.verbs.stage import ChangeStage
from leads.batches.verbs.tags import ChangeTags


def register_all() -> None:
    """In the order of the selection bar."""
    for verb in (ChangeStage(), ChangeTags()):
        register(verb)
