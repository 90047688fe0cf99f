"""The states that have calling hours of their own: the United States without most of the territories. Pure."""

from __future__ import annotations

from leads.states import NAMES

ELSEWHERE = {"AS", "FM", "GU", "MH", "MP", "PW", "VI"}
STATES = {code: name for code, name in NAMES.items() if code not in ELSEWHERE}  # letters → name
