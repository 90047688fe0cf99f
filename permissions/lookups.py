"""Conditions whose list travels as one array: Django's own `overlap` and `in` make a parameter of each of its values.

Give a set rather than a list: Django looks at each value of a list for expressions.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class WithArray(models.Lookup):  # type: ignore[type-arg]  # Django has no Lookup[T] at run time
    template: ClassVar[str]
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        # written out here: the driver would look at each number for what has to be quoted
        return self.template.format(column), [*params, f"{{{','.join(map(str, self.rhs))}}}"]


@ArrayField.register_lookup
class Fits(WithArray):
    """The column, an array of locks, has one of these keys."""

    lookup_name = "fits"
    template = "{} && %s::integer[]"


@models.SmallIntegerField.register_lookup
@models.BigAutoField.register_lookup
class AnyOf(WithArray):
    lookup_name = "any_of"
    template = "{} = ANY (%s::bigint[])"
