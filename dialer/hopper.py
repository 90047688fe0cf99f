"""How many leads each agent's hopper wants (D4). Pure: standard library only.

A skill is the id of a lead filter, or ANY where the campaign has none. A general lead that several skills fit is shared by
all agents who have one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

MOST = 1000  # live entries per logged-in agent
ANY = 0
Fits = Mapping[frozenset[int], int]  # live general entries by the skills that fit them


@dataclass(frozen=True)
class Crew:
    """Who is logged in, with her skill; None: no general leads for her."""

    level: int
    skills: Mapping[int, int | None]

    @property
    def having(self) -> Counter[int]:
        """How many agents have each skill."""
        return Counter(skill for skill in self.skills.values() if skill is not None)

    def shares(self, live: Fits) -> dict[int | None, Fraction]:
        """An agent's share of the general entries there are, by her skill."""
        having, shares = self.having, dict.fromkeys([*self.having, None], Fraction(0))
        for fitting, entries in live.items():
            agents = sum(having[skill] for skill in fitting)
            for skill in fitting if agents else ():
                shares[skill] += Fraction(entries, agents)
        return shares

    def owned_wanted(self, owned: Mapping[int, int], live: Fits) -> dict[int, int]:
        """By agent, how many of her own to add: up to a level where she has fewer than that, as far as there is room."""
        shares, wanted = self.shares(live), {}
        for agent, skill in sorted(self.skills.items()):
            has = owned.get(agent, 0)
            wanted[agent] = max(0, min(self.level, int(MOST - has - shares[skill]))) if has < self.level else 0
        return {agent: number for agent, number in wanted.items() if number}

    def general_wanted(self, owned: Mapping[int, int], live: Fits) -> dict[int, int]:
        """By skill, how many general leads to add, with what each agent owns by now.

        Each skill counts the entries that fit it, and is filled on its own.
        """
        shares, room = self.shares(live), Counter[int]()
        for agent, skill in self.skills.items():
            if skill is not None:
                room[skill] += max(0, int(MOST - owned.get(agent, 0) - shares[skill]))
        wanted = {}
        for skill, agents in sorted(self.having.items()):
            has = sum(entries for fitting, entries in live.items() if skill in fitting)
            if has < self.level * agents:
                wanted[skill] = min(self.level * agents, room[skill])
        return {skill: number for skill, number in wanted.items() if number}
