"""Merge fields, of what an agent reads out and of messages: text with `{first_name}` or, with a word for where it is empty,
`{first_name|there}`. Pure: standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELDS = {
    "first_name": "Maya",
    "last_name": "Okafor",
    "company_name": "Okafor & Sons",
    "street": "12 Harbor Street",
    "city": "Tempe",
    "state": "AZ",
    "postal_code": "85281",
    "stage": "New",
    "source": "Open house",
    "agent": "Ana Ruiz",
    "company": "Your company",
}  # each with what a made-up lead has there
FIELD = re.compile(r"\{([a-z_]+)(?:\|([^{}|\n]*))?\}")


def problem_of(text: str) -> str:
    """What is wrong with a script, in a sentence; empty where nothing is."""
    unknown = [name for name, _ in FIELD.findall(text) if name not in FIELDS]
    if unknown:
        return f"There is no {{{unknown[0]}}}. There are {', '.join(f'{{{name}}}' for name in FIELDS)}."
    if re.search(r"[{}]", FIELD.sub("", text)):
        return "A brace stands alone. A field is written as {first_name}, or as {first_name|there}."
    return ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """The script with a lead's values; where one is empty, the word given for that."""
    return FIELD.sub(lambda found: values.get(found[1], "").strip() or (found[2] or ""), text)
