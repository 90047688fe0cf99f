"""The permissions in plain words, grouped as the grid of profiles shows them. Standard library only."""

from __future__ import annotations

from permissions.catalog import Permission

P = Permission
GROUPS: list[tuple[str, list[tuple[Permission, str, str]]]] = [
    (
        "Bringing leads in",
        [
            (P.ADD_LEAD, "Add leads", "Enter a lead by hand, for herself or for a unit she is a member of."),
            (P.IMPORT_LEAD, "Import files", "Bring leads in from a file."),
        ],
    ),
    (
        "Her own leads",
        [
            (P.HIDE_LEAD, "Hide leads", "Keep personal leads from managers, who then see only that there is one."),
            (P.EXPORT_PERSONAL_LEAD, "Export personal leads", "Take leads that belong to a person out as a file."),
            (P.DELETE_PERSONAL_LEAD, "Delete personal leads", "Remove leads that belong to a person."),
        ],
    ),
    (
        "Leads of teams, offices and the company",
        [
            (P.VIEW_UNIT_LEAD, "See unit leads", "See the leads of the units she is in, not only those she works."),
            (P.VIEW_ORIGINATED_LEAD, "See leads that came from her units", "Also where somebody else owns them now."),
            (P.EXPORT_UNIT_LEAD, "Export unit leads", "Take leads that belong to a unit out as a file."),
            (P.DELETE_UNIT_LEAD, "Delete unit leads", "Remove leads that belong to a unit."),
        ],
    ),
    (
        "Working with leads",
        [
            (P.SHARE_LEAD, "Share leads", "Let somebody else see or work a lead she manages."),
            (P.CHANGE_OWNER, "Transfer leads", "Give leads she manages to another owner."),
            (P.MERGE_LEAD, "Merge leads", "Make one lead of two that are the same person."),
            (P.MASS_EDIT_LEAD, "Change many at once", "Act on a whole selection of leads she manages."),
        ],
    ),
    (
        "Handing leads out",
        [
            (P.MANAGE_ROUTING, "Set routing", "Say how new leads of her units are offered, and for how long."),
            (P.MANAGE_ROSTER, "Keep the roster", "Say who gets new leads, in which order, and who pauses."),
            (P.MANAGE_POND, "Keep ponds", "Open and close shared pools that leads can be taken from."),
            (P.MANAGE_CAMPAIGN, "Run campaigns", "Set up calling campaigns and who dials in them."),
            (P.VIEW_HOPPER, "See the hopper", "See which leads will be dialled next, and why."),
        ],
    ),
    (
        "Running the company",
        [
            (P.VIEW_REPORTS, "See reports", "Figures on the leads within her reach."),
            (P.MANAGE_USERS, "Manage people", "Invite people to units she manages, and give people a profile."),
            (P.MANAGE_PROFILES, "Manage profiles", "Change this page. Needs a manager of the company."),
            (P.MANAGE_POLICY, "Set company policy", "Who sees personal leads, and the company's other rules."),
            (P.VIEW_LEDGER, "Read the ledger", "Who owned, held and changed what, and when."),
        ],
    ),
]
