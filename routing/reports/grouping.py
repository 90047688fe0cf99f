"""Figures in groups, of querysets that have gone through the door; of offers with the whole, by one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from crm.organization.models import Unit, User
from leads.models import Source, Stage
from routing.models import Offer
from routing.reports.asking import Question

KEYS = {"unit": "unit_id", "source": "source", "agent": "user_id"}
MODELS: dict[str, type[Unit] | type[User] | type[Source] | type[Stage]] = {
    "unit": Unit,
    "source": Source,
    "agent": User,
    "stage": Stage,
}
GROUPED = """
SELECT grouping(key) = 1, key, count(*), {figures}
FROM (SELECT offer.{key} AS key, {columns} FROM ({offers}) AS offer) AS one
GROUP BY GROUPING SETS ((), (key)) ORDER BY 1 DESC, 3 DESC, 2
"""

SEVERAL = "Several at once"  # first to claim: nobody alone, before one has claimed it
Group = tuple[bool, int | None, int, *tuple[Any, ...]]  # whether it is the total; key; offers; figures


def grouped(offers: QuerySet[Offer, Any], by: str, *, columns: str, figures: str) -> list[Group]:
    """The total and then the groups, the largest first; `figures` are reckoned of `columns`."""
    inner, params = offers.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(GROUPED.format(offers=inner, key=KEYS[by], columns=columns, figures=figures), params)
        found: list[Group] = cursor.fetchall()
    return found


NONE = {"source": "No source, or none you may know"}  # what the group without a key is called


def names_of(question: Question, by: str, keys: Iterable[int | None], none: str = "") -> Callable[[int | None], str]:
    """What the groups are called."""
    rows = MODELS[by]._default_manager.filter(company=question.reach.user.company_id, pk__in=set(keys) - {None})
    names = dict(rows.order_by("pk").values_list("pk", "name"))
    return lambda key: names.get(key or 0, none or NONE.get(by, SEVERAL))
