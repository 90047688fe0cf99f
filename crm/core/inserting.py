"""Rows inserted by one statement with one parameter: as `bulk_create`, which spends a placeholder on each value."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from typing import TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)
INSERT = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s) RETURNING {returned}
"""


def insert_all(rows: Sequence[M], names: Set[str]) -> Sequence[M]:
    """Insert these, of one model, with what is in their fields `names`; the others are as the database has them by default.

    They get their primary keys, in their order, and what else the database computes. Values are plain ones.
    """
    if not rows:
        return rows
    options, quote = rows[0]._meta, connection.ops.quote_name
    fields = [field for field in options.concrete_fields if not names.isdisjoint((field.name, field.attname))]
    assert len(fields) == len(names), names
    computed = [field for field in options.db_returning_fields if field not in fields]
    columns, returned = (", ".join(quote(field.column) for field in group) for group in (fields, computed))
    sql = INSERT.format(table=quote(options.db_table), columns=columns, returned=returned)
    values = [{field.column: _plain(field, row) for field in fields} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(values, cls=DjangoJSONEncoder)])
        for row, given in zip(rows, cursor.fetchall(), strict=True):
            row._state.adding, row._state.db = False, connection.alias
            for field, value in zip(computed, given, strict=True):
                setattr(row, field.attname, value)
    return rows


def _plain(field: Field[object, object], row: Model) -> object:
    return field.get_prep_value(getattr(row, field.attname))
