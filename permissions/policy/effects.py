"""What a change of the company's policy will do, in sentences, before it is saved (O5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, OuterRef, Q

from crm.organization.models import DuplicateKey, Membership, OwnerNotifications, PersonalLeads, Unit, User
from crm.organization.querysets import MANAGES
from permissions.catalog import Permission
from permissions.keyring import POLICIES
from permissions.policy.services import Policy
from permissions.policy.wording import SETTINGS, said

MOST_NAMES = 5
NEEDED = [Permission.CHANGE_OWNER.value, Permission.MASS_EDIT_LEAD.value]


@dataclass(frozen=True)
class Effect:
    """A setting that changes: its name, what it was and will be called, and what comes of it."""

    setting: str
    title: str
    before: str
    after: str
    lines: list[str]


def effects_of(*, asker: User, now: Policy, wanted: Policy) -> list[Effect]:
    """One for each setting that changes, in the order of the page."""
    return [
        Effect(
            setting=setting,
            title=SETTINGS[setting],
            before=_said(setting, now),
            after=_said(setting, wanted),
            lines=LINES[setting](asker, now, wanted) if setting in LINES else [ONLY_NEW[setting]],
        )
        for setting in now.changed_to(wanted)
    ]


def _said(setting: str, policy: Policy) -> str:
    if setting == "whitelist":
        return _counted(len(policy.whitelist), "unit")
    return said(setting, getattr(policy, setting))


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def _personal_leads(asker: User, now: Policy, wanted: Policy) -> list[str]:
    """What holds for new leads; who gains and loses sight of those there are is counted by the leads' own room."""
    before, after = (POLICIES[PersonalLeads(policy.personal_leads)] for policy in (now, wanted))
    lines = []
    if wanted.personal_leads == PersonalLeads.COMPANY_ONLY:
        lines.append("From now on every new lead belongs to the company, whatever brings it.")
        lines.append("No lead can be transferred to an office, a team or a person. Whose they are now, they stay.")
    if now.personal_leads == PersonalLeads.COMPANY_ONLY:
        lines.append("New leads may belong to offices, teams and people again.")
    if after > before:
        name = said("personal_leads", wanted.personal_leads)
        lines.append(f"It holds for leads that became personal under “{name}” or a looser policy, or do from now on.")
        lines.append("What became personal under a stricter policy keeps that policy’s protection.")
    if after < before:
        lines.append("It holds at once, for every personal lead there is.")
    return lines


def _owner_notifications(asker: User, now: Policy, wanted: Policy) -> list[str]:
    told = Count("pk", filter=Q(owner_notifications=True))
    counts = User.objects.of(asker).active().aggregate(told=told, all=Count("pk"))
    people, silent = _counted(counts["told"], "person", "people"), counts["all"] - counts["told"]
    off = f"{_counted(silent, 'person', 'people')} switched it off and will not be." if silent else ""
    if wanted.owner_notifications == OwnerNotifications.OFF:
        return [f"{people} would be told today. From now on nobody learns of it but from the lead’s own timeline."]
    return [line for line in (f"{people} will be told from now on.", off) if line]


def _duplicate_keys(asker: User, now: Policy, wanted: Policy) -> list[str]:
    keys, phone = wanted.duplicate_keys, DuplicateKey.PHONE.value
    lines = ["It holds from now on: for suggestions, mass merges, imports and registrations. No lead changes by it."]
    if not keys:
        lines.append("Nobody is taken for a person who is there already. Every row of a file becomes a lead.")
    if phone in keys and phone not in now.duplicate_keys:
        lines.append("Families and offices share a phone. Look at what a mass merge would do before it does it.")
    return lines


def _two_factor_required(asker: User, now: Policy, wanted: Policy) -> list[str]:
    if not wanted.two_factor_required:
        return ["Nobody has to set it up any more. Those who did go on using it until they turn it off."]
    second = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    without = User.objects.of(asker).active().filter(~Exists(second))
    found, all_of_them = without.count(), User.objects.of(asker).active().count()
    lines = [
        f"{found:,} of {_counted(all_of_them, 'person', 'people')} have not set it up. "
        "They are asked to before they can go on."
    ]
    return [*lines, "You are one of them."] if without.filter(pk=asker.pk).exists() else lines


def _whitelist(asker: User, now: Policy, wanted: Policy) -> list[str]:
    changed = now.whitelist ^ wanted.whitelist
    units = Unit.objects.of(asker).filter(pk__in=changed).order_by("name", "pk")
    names = _managers_of(changed)
    return [_on_the_list(unit.name, names.get(unit.pk), unit.pk in wanted.whitelist) for unit in units]


def _on_the_list(unit: str, names: list[str] | None, listed: bool) -> str:
    if not names:
        return f"{unit}: none of its managers has a profile that would make use of it."
    return f"{unit}: {_listed(names)} {'may' if listed else 'may no longer'} change the owner of many leads at once."


def _managers_of(unit_ids: frozenset[int]) -> Mapping[int, list[str]]:
    """By unit, who manages it as an office's or a team's manager and has a profile to change ownership in mass."""
    units = Unit.objects.filter(pk__in=unit_ids).values_list("pk", "parent_id")
    roles = Membership.objects.current().filter(role__in=MANAGES, user__is_active=True)
    able = roles.exclude(unit__kind=Unit.Kind.COMPANY).filter(user__holding__profile__permissions__contains=NEEDED)
    rows = list(able.filter(unit__in={pk for line in units for pk in line if pk}).values_list("unit", "user__name"))
    return {unit: sorted({name for where, name in rows if where in (unit, parent)}) for unit, parent in units}


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


LINES: dict[str, Callable[[User, Policy, Policy], list[str]]] = {
    "personal_leads": _personal_leads,
    "duplicate_keys": _duplicate_keys,
    "owner_notifications": _owner_notifications,
    "two_factor_required": _two_factor_required,
    "whitelist": _whitelist,
}
ONLY_NEW = {
    "claiming": "It holds for what is done from now on, for open offers too. What is claimed stays claimed.",
    "bulk_claims": "It holds for what is done from now on, for open offers too. What is claimed stays claimed.",
    "consent_for_emails": "It holds for e-mails written from now on, by hand, in bulk and by drip plans.",
    "replies_to": "It stands in e-mails sent from now on.",
    "mail_footer": "It stands under e-mails sent from now on.",
    "name": "It stands on every page and in every mail from now on.",
    "time_zone": "People who join from now on start with it. Everybody else keeps her own.",
    "phone_region": "Numbers without a country code are read so from now on. Those that are there stay as they are.",
    "reregistration": "It holds for registrations from now on. Leads that are there stay as they are.",
}
