"""The mass actions so far, each told apart: what was done to whom, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leads.batches.verb import verb_of
from leads.models import Batch, Lead
from permissions.access import Keyring, Level

State = Batch.State
TONES = {
    State.DRAFT: "neutral",
    State.QUEUED: "info",
    State.RUNNING: "info",
    State.DONE: "good",
    State.CANCELLED: "warn",
    State.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch in the list. To whom and to how many it was done only who did it reads; `counts` says that she does."""

    batch: Batch
    words: str
    chosen: str
    tone: str
    state: str
    counts: bool


def entries(batches: Sequence[Batch], keyring: Keyring) -> list[Entry]:
    """The batches as entries, in one query; each with `undoes` at hand."""
    hers = [batch for batch in batches if batch.actor_id == keyring.user_id]
    single = [batch.origin.scope["leads"][0] for batch in hers if batch.is_of_one]
    seen = Lead.objects.visible_to(keyring, Level.VIEW).filter(public_id__in=single).order_by("pk")
    names = {lead.public_id: lead.name for lead in seen} if single else {}
    return [_entry(batch, names, is_hers=batch.actor_id == keyring.user_id) for batch in batches]


def _entry(batch: Batch, names: Mapping[str, str], *, is_hers: bool) -> Entry:
    words = (batch.preview or {}).get("words") or verb_of(batch).label
    nothing = is_hers and batch.state == State.DONE and not batch.changed and not verb_of(batch).whole
    state = f"Nothing {'undone' if batch.takes_back else 'changed'}" if nothing else batch.get_state_display()
    return Entry(
        batch,
        titled(batch, words),
        _chosen(batch.origin, names) if is_hers else "",
        "neutral" if nothing else TONES[State(batch.state)],
        state,
        is_hers and batch.state != State.DRAFT,
    )


def titled(batch: Batch, words: str) -> str:
    """What the batch does in words, told apart from what it undoes: the undo of an undo does it again."""
    back, above = "", batch.undoes
    while above is not None:
        back, above = "Redo" if back == "Undo" else "Undo", above.undoes
    return f"{back}: {words[0].lower()}{words[1:]}" if back else words


def _chosen(batch: Batch, names: Mapping[str, str]) -> str:
    """Whom she chose, in words."""
    scope: Mapping[str, Any] = batch.scope
    if batch.is_of_one:
        return names.get(scope["leads"][0], "A lead you cannot see now")
    if "leads" in scope:
        return f"{scope['given']:,} picked by hand"
    if "query" not in scope:
        return ""
    filters = (batch.preview or {}).get("filters") or []
    return ", ".join(f"{name}: {value}" for name, value in filters) or "All on the list"
