"""Shares of turns beside ideal ones (R3). Pure: standard library only.

Ideal is reckoned turn by turn: each is divided by weight among those who could take it. So whoever was skipped had no
claim to that turn, and whoever joined late has none to earlier ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(frozen=True)
class Member:
    user_id: int
    weight: int


@dataclass(frozen=True)
class Turns:
    """Turns that were alike: so many members had `joined` by then, these were skipped for what, this one was chosen."""

    joined: int
    skipped: tuple[tuple[int, str], ...]
    chosen: int
    count: int = 1


@dataclass
class Share:
    """What a person got. Without a weight she is on the roster no more, and nobody knows what would have been ideal."""

    user_id: int
    weight: int | None = None
    turns: int = 0
    ideal: float = 0.0
    skips: Counter[str] = field(default_factory=Counter)

    @property
    def ahead(self) -> float:
        """By how many turns she is ahead of her ideal share; behind it where that is below zero."""
        return self.turns - self.ideal if self.weight is not None else 0.0


def shares_of(members: Sequence[Member], turns: Iterable[Turns]) -> list[Share]:
    """A share for each member, given in the order they joined; then those of who took turns and left since."""
    shares = {member.user_id: Share(member.user_id, member.weight) for member in members}
    places = {member.user_id: number for number, member in enumerate(members)}
    weight_of_first = [0, *accumulate(member.weight for member in members)]
    # turns by the weights of those who could take them: among so many members, and without her
    among: defaultdict[int, Counter[int]] = defaultdict(Counter)
    without: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for alike in turns:
        away = {user_id for user_id, _ in alike.skipped if places.get(user_id, alike.joined) < alike.joined}
        weights = weight_of_first[alike.joined] - sum(members[places[user_id]].weight for user_id in away)
        among[alike.joined][weights] += alike.count
        for user_id in away:
            without[user_id][weights] += alike.count
        for user_id, reason in alike.skipped:
            if user_id in shares:
                shares[user_id].skips[reason] += alike.count
        shares.setdefault(alike.chosen, Share(alike.chosen)).turns += alike.count
    since_joined: Counter[int] = Counter()
    for joined in range(len(members), 0, -1):
        since_joined.update(among[joined])
        member = members[joined - 1]
        hers = since_joined - without[member.user_id]
        shares[member.user_id].ideal = sum(count * member.weight / weights for weights, count in hers.items())
    return list(shares.values())


def furthest(shares: Iterable[Share]) -> Share | None:
    """Who is furthest from her ideal share."""
    return max(shares, key=lambda share: abs(share.ahead), default=None)
