"""A row of a chunk on its way: as it stood in the file, the lead read from it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from leads.imports.keys import RowKey, row_keys
from leads.imports.reading import Record
from leads.imports.values import Draft, RowReader
from leads.models import ImportRow

Outcome = ImportRow.Outcome


@dataclass(slots=True)
class Row:
    """Imported, unless something refuses it or it updates a lead. `lead_id` is of the lead that is made or updated; a
    skipped row may have something to say of leads it is `like`, or of that of its `twin`, another line of the file.
    """

    line: int
    cells: list[str]
    draft: Draft
    keys: list[RowKey]
    outcome: str = Outcome.IMPORTED.value
    reason: str = ""
    lead_id: int | None = None
    like: Collection[int] = ()
    twin: int = 0

    @property
    def goes_in(self) -> bool:
        return self.outcome == Outcome.IMPORTED

    @property
    def is_refused(self) -> bool:
        return self.outcome in (Outcome.SKIPPED, Outcome.REJECTED)

    def refuse(self, outcome: Outcome, reason: str) -> None:
        self.outcome, self.reason, self.lead_id = outcome.value, reason, None


def read_rows(reader: RowReader, records: Iterable[Record], counting: Collection[str]) -> list[Row]:
    """Each record read, or rejected with every reason there is; with what the duplicate keys `counting` make of it."""
    rows = []
    for record in records:
        draft = Draft() if record.problem else reader.read(record.cells)
        problems = [record.problem] if record.problem else draft.problems
        row = Row(record.line, record.cells, draft, [] if problems else row_keys(draft, counting))
        if problems:
            row.refuse(Outcome.REJECTED, " ".join(map(_sentence, problems)))
        rows.append(row)
    return rows


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
