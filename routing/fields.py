"""Form fields of routing: times of the week, and words that are comma apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leads.states import code_of, is_state
from routing.weekly import DAYS

MOST_ROWS = 14
MOST_ECHOED = 40  # characters of what was typed
LONGEST_STATE = 40  # as rosters and leads have room for
Row = list[Any]  # days, from, to: [[0, 1], "20:00", "08:00"]
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
RANGE = re.compile(r"\s*(\d*)\s*(?:[-–]\s*(\d*)\s*)?")


class WeeklyInput(forms.Widget):
    """A row for each time of the week, and one more to add another."""

    template_name = "routing/widgets/weekly.html"
    use_fieldset = True

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0_from" if id_ else id_

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        rows = [*(value or []), [[], "", ""]][:MOST_ROWS]
        context["rows"] = [self._row(at, row) for at, row in enumerate(rows)]
        return context

    def _row(self, at: int, row: Row) -> dict[str, Any]:
        days = [(number, name, str(number) in map(str, row[0])) for number, name in enumerate(DAYS)]
        return {"at": at, "days": days, "start": row[1], "end": row[2]}

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Row]:
        getlist = getattr(data, "getlist", lambda key: data.get(key, []))
        rows = [
            [getlist(f"{name}_{at}_days"), data.get(f"{name}_{at}_from", ""), data.get(f"{name}_{at}_to", "")]
            for at in range(MOST_ROWS)
        ]
        return [row for row in rows if any(row)]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return False


class WeeklyField(forms.Field):
    """Times of the week as they are stored: `[[days], from, to]`."""

    widget = WeeklyInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def clean(self, value: list[Row]) -> list[Row]:
        return [self._clean(row) for row in value]

    def _clean(self, row: Row) -> Row:
        days = sorted({int(day) for day in row[0] if day in {"0", "1", "2", "3", "4", "5", "6"}})
        if not days:
            raise ValidationError("Tick the days.")
        if not (CLOCK.fullmatch(row[1]) and CLOCK.fullmatch(row[2])):
            raise ValidationError("Say from when to when, such as 20:00 to 08:00.")
        return [days, row[1], row[2]]


class WordsField(forms.CharField):
    """Words that are comma apart, as a list."""

    longest = 200

    def __init__(self, *, most: int = 200, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=4000, **kwargs)
        self.most = most

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        words = [" ".join(word.split()) for word in super().clean(value).split(",")]
        found = list(dict.fromkeys(word for word in words if word))
        if len(found) > self.most:
            raise ValidationError(f"At most {self.most}.")
        if any(len(word) > self.longest for word in found):
            raise ValidationError(f"One of them has more than {self.longest} characters. Put a comma between them.")
        return found


class StatesField(WordsField):
    """States as licences and rules hold them. Where `region` is the US each has to be one, by its code or its name."""

    region = "US"
    longest = 4000

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        if wrong := next((word for word in words if not self._is_state(word)), None):
            raise ValidationError(f"“{wrong[:MOST_ECHOED]}” is no state. Write such as AZ, or Arizona.")
        return list(dict.fromkeys(code_of(word) for word in words))

    def _is_state(self, word: str) -> bool:
        return is_state(word) if self.region == "US" else len(word) <= LONGEST_STATE


class RangesField(WordsField):
    """Ranges of whole numbers, comma apart, as pairs; an open end is None."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return ", ".join(f"{low if low is not None else ''}–{high if high is not None else ''}" for low, high in value)

    def clean(self, value: Any) -> Any:
        return [self._range(word) for word in super().clean(value)]

    def _range(self, word: str) -> list[int | None]:
        found = RANGE.fullmatch(word)
        low, high = (int(part) if part else None for part in (found.groups() if found else ("", "")))
        if low is None and high is None:
            raise ValidationError(f"“{word}” is no range. Write such as 200000–400000, or 900000– for all above.")
        if found and "-" not in word and "–" not in word:
            high = low
        if low is not None and high is not None and low > high:
            raise ValidationError(f"“{word}” ends before it begins.")
        if max(low or 0, high or 0) > 10**15:
            raise ValidationError(f"“{word[:40]}” is too much.")
        return [low, high]
