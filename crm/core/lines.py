"""Names and other short texts: on one line, and read in the direction they are written."""

from __future__ import annotations

import re

from django.core.validators import RegexValidator

TURNS = "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # unseen, they turn the direction of what follows a name, too
TURNING = re.compile(f"[{TURNS}]")

one_line = RegexValidator(
    rf"[\r\n{TURNS}]", "A name stands on one line, without marks that turn the direction of text.", inverse_match=True
)


def straight(text: str) -> str:
    """Without marks that turn its direction, and without space around it."""
    return TURNING.sub("", text).strip()
