"""Fields of leads that are typed as one text and kept as a list."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from leads.forms import LinesField, TagsField


@pytest.mark.parametrize("field", [TagsField(), LinesField()], ids=["tags", "lines"])
def test_a_nul_is_refused_before_the_database_sees_it(field: TagsField | LinesField) -> None:
    with pytest.raises(ValidationError, match="Null characters"):
        field.clean("warm\x00")


def test_each_tag_and_line_stands_once_without_blanks() -> None:
    assert TagsField().clean(" warm, , probate,warm") == ["warm", "probate"]
    assert LinesField().clean("one\n\n two ") == ["one", "two"]
