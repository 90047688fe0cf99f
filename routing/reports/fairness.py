"""Fairness (R11): each member's share of a roster's turns beside the ideal one, and what she was skipped for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection
from django.db.models import Q

from crm.organization.models import Unit, User
from crm.organization.querysets import within
from routing.models import RosterMember
from routing.reports.asking import Question
from routing.reports.links import list_of
from routing.reports.shares import Member, Share, Turns, furthest, shares_of
from routing.reports.tables import MOST_BARS, Cell, Chart, Column, Section, percent

TURNS = """
WITH place AS (
    SELECT unit_id, array_agg(joined_at ORDER BY joined_at, id) AS joined
    FROM routing_rostermember WHERE unit_id = ANY (%(units)s) GROUP BY unit_id
)
SELECT rotation.unit_id, width_bucket(decision.at, place.joined), decision.skipped, decision.chosen_id, count(*)
FROM routing_decision AS decision
JOIN routing_rotation AS rotation ON rotation.id = decision.rotation_id
JOIN place ON place.unit_id = rotation.unit_id
WHERE decision.company_id = %(company)s AND decision.method = 'round_robin'
    AND decision.at >= %(since)s AND decision.at < %(until)s
GROUP BY 1, 2, 3, 4
"""
COLUMNS = (
    Column("Agent", is_text=True),
    Column("Weight"),
    Column("Turns"),
    Column("Share"),
    Column("Ideal share"),
    Column("Ahead", ("Turns ahead of ideal",)),
    Column("Skipped"),
)
FOOT = (
    "A turn is divided among those who could take it, by the weights of today. Whoever was skipped had no claim to it."
)


def fairness(question: Question) -> list[Section]:
    """A section for each roster with turns: all of its members for those who manage it, else only her own row."""
    units = _rosters(question)
    turns = _turns(question, units)
    members = _members(turns)
    shares = {unit: shares_of(members[unit], turns[unit]) for unit in sorted(turns, key=lambda pk: units[pk])}
    people = {share.user_id for found in shares.values() for share in found}
    names = dict(User.objects.filter(pk__in=people).order_by("pk").values_list("pk", "name"))
    return [_section(question, unit, units[unit], found, names) for unit, found in shares.items()]


def _rosters(question: Question) -> dict[int, str]:
    """Names of the units whose rosters she manages or is on."""
    user = question.reach.user
    hers = RosterMember.objects.filter(user=user).order_by().values("unit")
    found = Unit.objects.of(user).filter(Q(pk__in=question.reach.managed) | Q(pk__in=hers))
    if question.unit is not None:
        found = found.filter(within([question.unit.pk]))
    return dict(found.order_by("pk").values_list("pk", "name"))


def _turns(question: Question, units: Collection[int]) -> dict[int, list[Turns]]:
    """Those of each roster in the period, alike ones together."""
    found: defaultdict[int, list[Turns]] = defaultdict(list)
    company = question.reach.user.company_id
    params: dict[str, Any] = {
        "units": list(units),
        "company": company,
        "since": question.since,
        "until": question.until,
    }
    with connection.cursor() as cursor:
        cursor.execute(TURNS, params)
        for unit, joined, skipped, chosen, count in cursor.fetchall():
            skips = tuple((user, reason) for user, reason in json.loads(skipped))
            found[unit].append(Turns(joined, skips, chosen, count))
    return found


def _members(units: Collection[int]) -> dict[int, list[Member]]:
    """Who is on these rosters, in the order they joined."""
    places = RosterMember.objects.filter(unit__in=units).order_by("joined_at", "pk")
    found: dict[int, list[Member]] = {unit: [] for unit in units}
    for unit, user, weight in places.values_list("unit", "user", "weight"):
        found[unit].append(Member(user, weight))
    return found


def _section(question: Question, unit: int, title: str, shares: list[Share], names: Mapping[int, str]) -> Section:
    total = sum(share.turns for share in shares)
    me = question.reach.user.pk
    alone = unit not in question.reach.managed
    shown = [share for share in shares if share.user_id == me or not alone]
    shown.sort(key=lambda share: (-share.turns, names[share.user_id]))
    return Section(
        key=f"roster-{unit}",
        title=title,
        columns=COLUMNS,
        rows=[_row(question, unit, share, total, names[share.user_id]) for share in shown],
        chart=_chart(question, unit, title, shown[:MOST_BARS], total, names),
        verdict=_verdict(shown, total, {me: "You"} if alone else names),
        foot=FOOT,
    )


def _row(question: Question, unit: int, share: Share, total: int, name: str) -> list[Cell]:
    skips = sum(share.skips.values())
    reasons = sorted(share.skips.items(), key=lambda skip: (-skip[1], skip[0]))
    why = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
    key = {"unit": unit, "agent": share.user_id}
    known = share.weight is not None
    return [
        Cell(name, note="" if known else "left the roster"),
        Cell(str(share.weight) if share.weight else "–"),
        Cell(f"{share.turns:,}", list_of(question, "offered", **key) if share.turns else "", plain=(str(share.turns),)),
        Cell(percent(share.turns, total)),
        Cell(percent(share.ideal, total) if known else "–"),
        Cell(f"{share.ahead:+.1f}".replace("-", "−") if known else "–", plain=(f"{share.ahead:.1f}" if known else "",)),
        Cell(
            f"{skips:,}",
            list_of(question, "skipped", **key) if skips else "",
            why,
            (f"{skips} ({why})" if why else "0",),
        ),
    ]


def _verdict(shares: list[Share], total: int, names: Mapping[int, str]) -> tuple[str, str]:
    """What R3 promises, and whether it was kept. From amid a round to amid another it may be two turns."""
    far = furthest(shares)
    if far is None or any(share.weight is None for share in shares):
        return "neutral", f"Some of these {total:,} turns went to who has left the roster: ideal shares are a guess."
    name, away = names[far.user_id], abs(far.ahead)
    words = f"{name} got {far.turns:,} of {total:,} turns, {away:.1f} {'more' if far.ahead > 0 else 'fewer'} than ideal"
    if away < 1:
        return "good", f"Within one turn. Furthest from an ideal share: {words}."
    if away < 2:
        return "good", f"Within one turn at either end, since the period begins and ends amid rounds: {words}."
    return "warn", f"Not within one turn: {words}. Weights changed meanwhile, or turns were made up for."


def _chart(
    question: Question, unit: int, title: str, shares: list[Share], total: int, names: Mapping[int, str]
) -> Chart | None:
    if not total:
        return None
    return Chart(
        about=f"Shares of the turns of {title} beside ideal ones",
        unit="percent",
        labels=[names[share.user_id] for share in shares],
        series=[
            ("info", "Share", [round(100 * share.turns / total, 1) for share in shares]),
            ("neutral", "Ideal share", [round(100 * share.ideal / total, 1) for share in shares]),
        ],
        urls=[list_of(question, "offered", unit=unit, agent=share.user_id) for share in shares],
    )
