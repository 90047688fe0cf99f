"""The permissions a profile may hold, and the four built-in profiles with their defaults (P2). Standard library only."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """A verb. Whose leads or units it reaches comes from roles, never from here."""

    ADD_LEAD = "add_lead"
    IMPORT_LEAD = "import_lead"
    HIDE_LEAD = "hide_lead"
    VIEW_UNIT_LEAD = "view_unit_lead"
    EXPORT_PERSONAL_LEAD = "export_personal_lead"
    DELETE_PERSONAL_LEAD = "delete_personal_lead"
    MERGE_LEAD = "merge_lead"
    EXPORT_UNIT_LEAD = "export_unit_lead"
    DELETE_UNIT_LEAD = "delete_unit_lead"
    VIEW_ORIGINATED_LEAD = "view_originated_lead"
    CHANGE_OWNER = "change_owner"
    MASS_EDIT_LEAD = "mass_edit_lead"
    SHARE_LEAD = "share_lead"
    MANAGE_ROUTING = "manage_routing"
    MANAGE_ROSTER = "manage_roster"
    MANAGE_POND = "manage_pond"
    MANAGE_CAMPAIGN = "manage_campaign"
    VIEW_HOPPER = "view_hopper"
    VIEW_REPORTS = "view_reports"
    MANAGE_USERS = "manage_users"
    MANAGE_PROFILES = "manage_profiles"
    MANAGE_POLICY = "manage_policy"
    VIEW_LEDGER = "view_ledger"


P = Permission
AGENT = frozenset(
    {
        P.ADD_LEAD,
        P.IMPORT_LEAD,
        P.EXPORT_PERSONAL_LEAD,
        P.DELETE_PERSONAL_LEAD,
        P.MERGE_LEAD,
        P.CHANGE_OWNER,
        P.SHARE_LEAD,
        P.VIEW_REPORTS,
    }
)
TEAM_LEAD = AGENT | {
    P.VIEW_UNIT_LEAD,
    P.VIEW_ORIGINATED_LEAD,
    P.MASS_EDIT_LEAD,
    P.MANAGE_ROUTING,
    P.MANAGE_ROSTER,
    P.MANAGE_POND,
}
OFFICE_ADMIN = TEAM_LEAD | {P.MANAGE_CAMPAIGN, P.VIEW_HOPPER}
COMPANY_ADMIN = OFFICE_ADMIN | {
    P.EXPORT_UNIT_LEAD,
    P.DELETE_UNIT_LEAD,
    P.MANAGE_USERS,
    P.MANAGE_PROFILES,
    P.MANAGE_POLICY,
    P.VIEW_LEDGER,
}
BUILT_IN: dict[str, tuple[str, frozenset[Permission]]] = {
    "company_admin": ("Company admin", COMPANY_ADMIN),
    "office_admin": ("Office admin", OFFICE_ADMIN),
    "team_lead": ("Team lead", TEAM_LEAD),
    "agent": ("Agent", AGENT),
}
