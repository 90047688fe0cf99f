"""Rows inserted by one statement with one parameter: as `bulk_create`, which spends a placeholder on each value."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from typing import TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)
INSERT = (
    "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s) RETURNING {pk}"
)


def insert_all(rows: Sequence[M], names: Set[str]) -> Sequence[M]:
    """Insert these, of one model, with what is in their fields `names`; all others are as the database has them by default.

    They get their primary keys, in their order, and nothing else that the database computes. Values are plain ones.
    """
    if not rows:
        return rows
    options, quote = rows[0]._meta, connection.ops.quote_name
    fields = [field for field in options.concrete_fields if not names.isdisjoint((field.name, field.attname))]
    assert len(fields) == len(names), names
    columns = ", ".join(quote(field.column) for field in fields)
    assert options.pk is not None
    sql = INSERT.format(table=quote(options.db_table), columns=columns, pk=quote(options.pk.column))
    values = [{field.column: _plain(field, row) for field in fields} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(values, cls=DjangoJSONEncoder)])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk, row._state.adding, row._state.db = pk, False, connection.alias
    return rows


def _plain(field: Field[object, object], row: Model) -> object:
    return field.get_prep_value(getattr(row, field.attname))
