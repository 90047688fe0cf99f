"""Which leads the demo has: whose they are, who works them, in what numbers, so that every state of ownership is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Holding:
    """`count` leads of `owner` (a unit's name, or a person's before the @).

    `agents` fill the Agent slots in turn, "" leaving one empty. `hidden` of the leads are hidden. `assistant` also works
    every fourth. `came_from` is the unit that gave personal leads away, which then are of company origin.
    """

    owner: str
    count: int
    agents: tuple[str, ...] = ("",)
    hidden: int = 0
    assistant: str = ""
    came_from: str = ""


HARBOR_LEADS = (
    Holding("Harbor Realty", 24, ("", "dee", "", "eve", "ana")),
    Holding("North", 26, ("ana", "", "dee", "ben")),
    Holding("South", 18, ("eve", "", "eve")),
    Holding("Lakeside", 90, ("ana", "ben", "cal", "ana", "ben", "cal", "")),
    Holding("Hilltop", 36, ("dee", "dee", "")),
    Holding("Harborfront", 34, ("eve", "eve", "eve", "")),
    Holding("ana", 26, hidden=5, assistant="cal"),
    Holding("ana", 6, ("ana",), came_from="Lakeside"),
    Holding("ben", 18, hidden=3),
    Holding("ben", 4, ("ben",), came_from="Lakeside"),
    Holding("cal", 14, hidden=2),
    Holding("dee", 16, hidden=2),
    Holding("eve", 14, hidden=2),
    Holding("lead", 8, assistant="ana"),
    Holding("broker", 6),
)
SUMMIT_LEADS = (
    Holding("Summit Insurance", 70, ("sue", "", "sam", "sid", "")),
    Holding("Call floor", 120, ("sue", "sam", "sid", "")),
    Holding("sue", 22, hidden=2, assistant="sam"),
    Holding("sam", 18, hidden=2),
    Holding("sid", 16, hidden=1),
    Holding("boss", 6),
)
