"""Secrets that are generated on the first start and kept in files that only their owner can read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def kept(path: Path, make: Callable[[], str]) -> str:
    """What the file says; `make` fills it if there is none. Of several that start at once, all read the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, written = tempfile.mkstemp(dir=path.parent)  # of mode 0600
        with os.fdopen(number, "w") as file:
            file.write(make())
        try:
            os.link(written, path)  # never half a file, and never over another's
        except FileExistsError:
            pass
        finally:
            os.unlink(written)
    return path.read_text()
