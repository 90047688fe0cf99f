"""A ledger fact in plain words. Those about leads read as on their timeline; here are those about the company."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from crm.organization.models import Membership
from leads.filters import LeadFilter
from leads.timeline import SENTENCES, Names, fact_line
from permissions.models import LedgerEntry
from permissions.policy.services import WHY as POLICY
from permissions.policy.wording import SETTINGS, said
from permissions.profiles.wording import GROUPS

Kind = LedgerEntry.Kind
Say = Callable[[LedgerEntry, Names], SafeString]
VERBS = {permission.value: label for _, rows in GROUPS for permission, label, _ in rows}
FORMATS = {"csv": "CSV", "xlsx": "Excel"}
PARTS = {
    "roster": "the roster",
    "routing": "how leads are handed out",
    "pond": "a pond",
    "campaign": "a campaign",
    "lead filter": "a lead filter",
}

CHANNELS = {
    "connected": "connected",
    "key changed": "gave a new key to",
    "old key ended": "ended the old key of",
    "mapped": "said what the questions mean of",
    "closed": "closed",
    "opened again": "opened again",
}


def line_of(fact: LedgerEntry, names: Names) -> SafeString:
    """One sentence, with names in bold."""
    say = COMPANY.get(Kind(fact.kind)) if fact.kind in Kind.values and not fact.lead_id else None
    if say is not None:
        return say(fact, names)
    return fact_line(fact, names) if fact.kind in SENTENCES else _plainly(fact, names)


def _strong(name: object) -> SafeString:
    return format_html("<strong>{}</strong>", name)


def _actor(fact: LedgerEntry, names: Names) -> SafeString:
    return _strong(names.of(None, fact.actor_id)) if fact.actor_id else SafeString("The system")


def _person(fact: LedgerEntry, names: Names) -> SafeString:
    return _strong(names.of(None, fact.to_user_id))


def _unit(fact: LedgerEntry, names: Names) -> SafeString:
    return _strong(names.of(fact.to_unit_id, None))


def _detail(fact: LedgerEntry) -> Mapping[str, Any]:
    return fact.detail if isinstance(fact.detail, dict) else {}


def _role(code: object) -> str:
    return dict(Membership.Role.choices).get(str(code), str(code)).lower()


def _plainly(fact: LedgerEntry, names: Names) -> SafeString:
    """A kind without a sentence of its own: what it is called, whom it concerns, who did it, why."""
    sides = ((fact.from_unit_id, fact.from_user_id), (fact.to_unit_id, fact.to_user_id))
    ends = [(names.of(unit, person),) for unit, person in sides if unit or person]
    about = format_html(": {}", format_html_join(" → ", "<strong>{}</strong>", ends)) if ends else ""
    by = format_html(" by {}", _actor(fact, names)) if fact.actor_id else ""
    return format_html("{}{}{}{}", fact.get_kind_display(), about, by, f" ({fact.why})" if fact.why else "")


def _policy(fact: LedgerEntry, names: Names) -> SafeString:
    ways = {
        POLICY: _setting,
        "profile": _profile,
        "profile given": _profile_given,
        "channel": _channel,
        "skills": _skills,
    }
    return ways.get(fact.why, _part)(fact, names)


def _setting(fact: LedgerEntry, names: Names) -> SafeString:
    detail = _detail(fact)
    if fact.to_unit_id:
        may = "may" if detail.get("after") else "may no longer"
        words = "{} set that managers of {} {} change ownership in mass"
        return format_html(words, _actor(fact, names), _unit(fact, names), may)
    setting = str(detail.get("setting", ""))
    before, after = (said(setting, detail.get(end)) for end in ("before", "after"))
    title = SETTINGS.get(setting, "the policy")
    return format_html("{} changed {}: {} → {}", _actor(fact, names), title, before, _strong(after))


def _profile(fact: LedgerEntry, names: Names) -> SafeString:
    detail = _detail(fact)
    before, after, code = detail.get("before"), detail.get("after"), detail.get("profile", "")
    actor, profile = _actor(fact, names), _strong(_profile_called(code))
    if before is None or after is None:
        return format_html("{} {} the profile {}", actor, "added" if before is None else "deleted", profile)
    if isinstance(before, list) and isinstance(after, list):
        more, less = (
            [VERBS.get(one, one) for one in sorted(set(a) - set(b))] for a, b in ((after, before), (before, after))
        )
        signs = [*(f"+ {one}" for one in more), *(f"− {one}" for one in less)]
        return format_html("{} changed the profile {}: {}", actor, profile, ", ".join(signs))
    return format_html("{} renamed the profile {}", actor, profile)


def _profile_given(fact: LedgerEntry, names: Names) -> SafeString:
    profile = _profile_called(_detail(fact).get("after") or "none")
    return format_html("{} gave {} the profile {}", _actor(fact, names), _person(fact, names), _strong(profile))


def _profile_called(code: object) -> str:
    """`company_admin` → `Company admin`. It may have another name by now, or be gone."""
    return capfirst(str(code).replace("_", " "))


def _channel(fact: LedgerEntry, names: Names) -> SafeString:
    detail = _detail(fact)
    owner = _unit(fact, names) if fact.to_unit_id else _person(fact, names)
    did, name = CHANNELS.get(str(detail.get("change")), "changed"), _strong(str(detail.get("name", "")))
    return format_html("{} {} the channel {} of {}", _actor(fact, names), did, name, owner)


def _skills(fact: LedgerEntry, names: Names) -> SafeString:
    did = "changed" if _detail(fact).get("after") else "took away"
    return format_html("{} {} the skills of {}", _actor(fact, names), did, _person(fact, names))


def _part(fact: LedgerEntry, names: Names) -> SafeString:
    """Something of a unit: its roster, its routing."""
    about = format_html(" for {}", _person(fact, names)) if fact.to_user_id else ""
    words = "{} changed {} of {}{}"
    return format_html(words, _actor(fact, names), PARTS.get(fact.why, fact.why), _unit(fact, names), about)


def _invited(fact: LedgerEntry, names: Names) -> SafeString:
    return format_html("{} invited somebody to {} as {}", _actor(fact, names), _unit(fact, names), _role(fact.role))


def _joined(fact: LedgerEntry, names: Names) -> SafeString:
    return format_html("{} joined {} as {}", _person(fact, names), _unit(fact, names), _role(fact.role))


def _membership(fact: LedgerEntry, names: Names) -> SafeString:
    before, after = _detail(fact).get("before"), fact.role
    who, where = _person(fact, names), _unit(fact, names)
    if not after:
        return format_html("{} ended that {} is {} of {}", _actor(fact, names), who, _role(before), where)
    was = f", before {_role(before)}" if before else ""
    return format_html("{} made {} {} of {}{}", _actor(fact, names), who, _role(after), where, was)


def _viewed(fact: LedgerEntry, names: Names) -> SafeString:
    did = "stopped viewing" if fact.why == "ended" else "began to view"
    return format_html("{} {} the product as {}", _actor(fact, names), did, _person(fact, names))


def _exported(fact: LedgerEntry, names: Names) -> SafeString:
    detail = _detail(fact)
    count, kind, filters = detail.get("count"), detail.get("format"), detail.get("filters") or []
    thing, called = ("row", {}) if fact.why == "ledger" else ("lead", LeadFilter.base_filters)
    counted = f"{count:,} {thing}{'' if count == 1 else 's'}" if isinstance(count, int) else ""
    of_ledger = f"{counted} of the ledger" if counted else "the ledger"
    what = of_ledger if fact.why == "ledger" else counted or "leads"
    form = f" as {FORMATS.get(kind, kind)}" if kind else ""
    words = {name: str(called[name].label if name in called else name).lower() for name in filters}
    asked: Mapping[str, str] = detail.get("said") or {}
    values = "".join(f", {words[name]} {asked[name]}" for name in filters if name in asked)
    rest = ", ".join(words[name] for name in filters if name not in asked)
    by = f"{values}, filtered by {rest}" if rest else values
    return format_html("{} exported {}{}{}", _actor(fact, names), what, form, by)


COMPANY: Mapping[str, Say] = {
    Kind.POLICY_CHANGED: _policy,
    Kind.INVITED: _invited,
    Kind.JOINED: _joined,
    Kind.MEMBERSHIP_CHANGED: _membership,
    Kind.VIEWED_AS: _viewed,
    Kind.EXPORTED: _exported,
}
