"""What the templates of the admin's lists need beside Django's own tags."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from django import template

register = template.Library()


@register.simple_tag
def filter_fields(changelist: Any) -> list[dict[str, Any]]:
    """The filters as selects: name, title, and options as (value, words, selected); an empty value for all."""
    return [_field(spec, changelist) for spec in changelist.filter_specs]


def _field(spec: Any, changelist: Any) -> dict[str, Any]:
    name = spec.expected_parameters()[0]
    options = [
        (parse_qs(choice["query_string"][1:]).get(name, [""])[0], choice["display"], choice["selected"])
        for choice in spec.choices(changelist)
    ]
    return {"name": name, "title": spec.title, "options": options}


@register.simple_tag
def kept_parameters(changelist: Any) -> list[tuple[str, str]]:
    """What a new search keeps of the address: the order of the rows."""
    return [(name, value) for name, value in changelist.params.items() if name == "o"]
