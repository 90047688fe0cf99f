"""What may be left open, and the surfaces behind it that must be found to show too much."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from permissions.access import Level

Plant = Callable[[pytest.MonkeyPatch], None]
FINDS: dict[Plant, tuple[str, ...]] = {}


def found_by(*surfaces: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        FINDS[plant] = surfaces
        return plant

    return register


# what takes the place of a rule: redacted is enough
ENOUGH = SimpleNamespace(VIEW=Level.REDACTED, WORK=Level.REDACTED, REDACTED=Level.REDACTED, MANAGE=Level.REDACTED)
