"""The company's policy in plain words: what its settings are called, and what each choice means."""

from __future__ import annotations

from crm.organization.models import Claiming, DuplicateKey, OwnerNotifications, PersonalLeads, Reregistration

Choice = tuple[str, str, str]  # value, name, what it means

PERSONAL_LEADS: list[Choice] = [
    (
        PersonalLeads.COMPANY_ONLY,
        "Company only",
        "Every new lead belongs to the company, whoever brings it; who adds it is assigned to it. Leads that are personal "
        "already stay so, and managers see them as under “Visible”.",
    ),
    (
        PersonalLeads.PRIVATE,
        "Private",
        "A lead that an agent brought is her own affair: no manager sees it, not even after she left.",
    ),
    (
        PersonalLeads.VISIBLE,
        "Visible",
        "Managers see the personal leads of their people and cannot act on them. Of hidden ones they see hardly more than "
        "a first name.",
    ),
    (
        PersonalLeads.MANAGED,
        "Managed",
        "As visible, and managers may also give such leads to another owner, delete and export them.",
    ),
]
REREGISTRATION: list[Choice] = [
    (Reregistration.KEEP, "Keep", "The lead stays with the person who has it, and she alone is told."),
    (Reregistration.DUPLICATE, "Duplicate", "The new owner gets a lead of her own. Neither sees the other’s."),
    (Reregistration.DISPUTE, "Dispute", "As duplicate, and a manager of the company decides between the two."),
]
OWNER_NOTIFICATIONS: list[Choice] = [
    (
        OwnerNotifications.USER_CHOICE,
        "Each person decides",
        "She is told when somebody else moves, deletes or exports a lead of hers, unless she switched that off.",
    ),
    (OwnerNotifications.OFF, "Nobody is told", "Whatever each person’s switch says."),
]
CLAIMING: list[Choice] = [
    (
        Claiming.BROAD,
        "Any work on it",
        "A call, text or e-mail, a note, a task or appointment, another stage, a drip plan, or the Claim button.",
    ),
    (Claiming.STRICT, "Contact only", "A call, text or e-mail by the agent, or the Claim button."),
]
DUPLICATE_KEYS = {
    DuplicateKey.EMAIL.value: "Same e-mail",
    DuplicateKey.PHONE_NAME.value: "Same phone and name",
    DuplicateKey.PHONE.value: "Same phone, whatever the name",
}
SETTINGS = {
    "name": "Name of the company",
    "time_zone": "Time zone",
    "phone_region": "Country of phone numbers",
    "personal_leads": "Personal leads",
    "reregistration": "When somebody’s personal lead registers again",
    "duplicate_keys": "What makes two leads one person",
    "owner_notifications": "Telling owners what others do with their leads",
    "claiming": "What claims a lead that is on offer",
    "bulk_claims": "Automatic and mass actions claim, too",
    "consent_for_emails": "E-mail only leads who agreed to it",
    "replies_to": "Answers to e-mails go to",
    "mail_footer": "Under every e-mail",
    "two_factor_required": "Two-factor sign-in",
    "whitelist": "Who may change ownership in mass",
}
CHOICES = {
    "personal_leads": PERSONAL_LEADS,
    "reregistration": REREGISTRATION,
    "owner_notifications": OWNER_NOTIFICATIONS,
    "claiming": CLAIMING,
}
SWITCHES = {
    "two_factor_required": ("required", "not required"),
    "bulk_claims": ("yes", "no"),
    "consent_for_emails": ("yes", "no"),
}
UNSAID = {"replies_to": "whoever sends it", "mail_footer": "nothing but the way out"}


def said(setting: str, value: object) -> str:
    """A value of a setting as a person calls it."""
    if isinstance(value, bool):
        return SWITCHES[setting][not value]
    if isinstance(value, list):
        return "; ".join(name.lower() for key, name in DUPLICATE_KEYS.items() if key in value) or "nothing"
    if value == "" and setting in UNSAID:
        return UNSAID[setting]
    return {key: name for key, name, _ in CHOICES.get(setting, [])}.get(str(value), str(value))
