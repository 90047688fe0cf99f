"""What the settings of a campaign allow beside each other (D1, D2). Pure: standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

LEAST_LEVEL, MOST_LEVEL = 1, 1000
NORMAL, FIFO = "normal", "fifo"
METHODS_THAT_OWN = ("preview", "preview_inbound")


@dataclass(frozen=True)
class Settings:
    """Those that depend on each other. `may_skill`: whether there is a lead filter that could be somebody's skills;
    `may_join`: whether it is open to members, or somebody is named.
    """

    kind: str = NORMAL
    dial_method: str = "preview"
    enforce_lead_ownership: bool = True
    agent_skills: bool = False
    has_default_skill: bool = False
    may_skill: bool = False
    hopper_level: int = 50
    secondary_priority: str = FIFO
    opens: time | None = None
    closes: time | None = None
    active: bool = True
    may_join: bool = True


def refusals(settings: Settings) -> dict[str, str]:
    """Why these settings cannot stand, by the field that is to be changed. Empty where they can."""
    return _by_ownership(settings) | _by_skills(settings) | _by_range(settings) | _by_people(settings)


def _by_ownership(settings: Settings) -> dict[str, str]:
    if not settings.enforce_lead_ownership:
        return {}
    said = {}
    if settings.kind != NORMAL:
        said["kind"] = "Where lead ownership is enforced, the campaign must be normal."
    if settings.dial_method not in METHODS_THAT_OWN:
        said["dial_method"] = (
            "Where lead ownership is enforced, leads are dialed in preview, or in preview with inbound calls: "
            "a machine that dials ahead cannot know which agent will be free."
        )
    if settings.secondary_priority != FIFO:
        said["secondary_priority"] = (
            "Where lead ownership is enforced, the lead that was skipped first comes back first."
        )
    return said


def _by_skills(settings: Settings) -> dict[str, str]:
    said = {}
    if settings.agent_skills and not settings.enforce_lead_ownership:
        said["agent_skills"] = "Skills need lead ownership enforced: without it anybody gets any lead of the campaign."
    elif settings.agent_skills and not settings.may_skill:
        said["agent_skills"] = "Skills are lead filters, and there is none yet. Make one first."
    if settings.has_default_skill and not settings.agent_skills:
        said["default_skill"] = "A default is for campaigns with agent skills. Turn them on, or leave this empty."
    return said


def _by_people(settings: Settings) -> dict[str, str]:
    if settings.may_join or not settings.active:
        return {}
    return {"agents": "Nobody may join it, so it cannot run. Open it to all members, or choose people."}


def _by_range(settings: Settings) -> dict[str, str]:
    said = {}
    if not LEAST_LEVEL <= settings.hopper_level <= MOST_LEVEL:
        said["hopper_level"] = f"Between {LEAST_LEVEL} and {MOST_LEVEL:,}."
    if (settings.opens is None) != (settings.closes is None):
        said["closes" if settings.closes is None else "opens"] = "Say both, or neither."
    elif settings.opens is not None and settings.closes is not None and settings.opens >= settings.closes:
        said["closes"] = "It closes before it opens."
    return said
