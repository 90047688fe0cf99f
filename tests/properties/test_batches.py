"""M4, M6 over random worlds: what is foreseen happens, and undoing a mass action leaves no trace of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crm.organization.models import PersonalLeads, Unit, User
from dialer.models import Campaign, CampaignLead
from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import matching, picked
from leads.batches.standing import standing
from leads.batches.undoing import draft_undo
from leads.batches.verb import NotNowError
from leads.models import Assignment, Batch, BatchItem, ContactPoint, Lead, LeadShare, Pond, SlotRole, Stage
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import Profile
from permissions.verbs import Verb
from tests.properties.test_access import in_database
from tests.properties.world import Lead as ImaginedLead
from tests.properties.world import World
from tests.properties.worlds import BASE, Built, worlds

pytestmark = pytest.mark.django_db
DOING = [
    *("mass_edit_lead", "delete_personal_lead", "delete_unit_lead", "change_owner", "hide_lead", "share_lead"),
    "merge_lead",
]
VERBS = [
    *("delete", "stage", "tags", "assign", "release", "pool", "cover", "owner", "owner"),
    *("share", "revoke", "hide", "show", "merge", "merge", "campaign"),
]
PAIRS = [("release", "assign"), ("pool", "assign"), ("assign", "release"), ("share", "revoke"), ("revoke", "share")]
PAIRS += [("hide", "show"), ("show", "hide"), ("stage", "stage"), ("tags", "tags"), ("owner", "owner")]
PAIRS += [("campaign", "uncampaign"), ("uncampaign", "campaign")]
NEWER = dict(PAIRS)  # what touches the same, so that it stands upon the other
SEEN_THROUGH_LOCKS = {"delete", "assign", "release", "pool", "cover", "owner", "hide", "show", "merge"}

ROLES = ["agent", "assistant", "lender", "scout"]
Levels = dict[tuple[int, int], Level]


def settled(world: World) -> World:
    """Without open offers, which end for good, and each person in one slot of a lead at most."""
    return replace(world, leads=tuple(_settled(lead) for lead in world.leads))


def _settled(lead: ImaginedLead) -> ImaginedLead:
    people = {person: slot for slot, person in lead.assigned}
    closed = tuple(one for one in lead.offers if one[1] != "open")
    among = () if "open" in [state for _, state in lead.among] else lead.among
    return replace(lead, offers=closed, among=among, assigned=tuple((slot, person) for person, slot in people.items()))


def equip(built: Built) -> None:
    """Everybody with a profile may do everything in mass; what is seen stays as the world has it."""
    for profile in Profile.objects.order_by("pk"):
        profile.permissions = sorted({*profile.permissions, *DOING})
        profile.save()
    Unit.objects.update(may_change_ownership=True)
    for company in {user.company_id for user in built.users}:
        Stage.objects.create(company_id=company, name="Other")
        SlotRole.objects.create(company_id=company, code="scout", name="Scout")
        whole = Unit.objects.get(company=company, kind=Unit.Kind.COMPANY)
        Campaign.objects.create(company_id=company, unit=whole, name="All", scope=Campaign.Scope.UNIT)
    ContactPoint.objects.bulk_create(
        ContactPoint(company_id=lead.company_id, lead=lead, kind="email", value=f"twin{lead.pk % 2}@mail.example")
        for lead in built.leads
    )


def params_of(verb: str, company: int, number: int, *, flag: bool) -> dict[str, Any]:
    people = User.objects.filter(company=company).order_by("pk").values_list("pk", flat=True)
    units = Unit.objects.filter(company=company).order_by("pk").values_list("pk", flat=True)
    ponds = Pond.objects.filter(company=company).order_by("pk").values_list("pk", flat=True)
    pond = ponds[number % len(ponds)] if ponds else None
    person, unit = people[number % len(people)], units[number % len(units)]
    stages = Stage.objects.filter(company=company).order_by("pk").values_list("pk", flat=True)
    campaign = {"campaign": Campaign.objects.get(company=company).pk}
    return {
        "campaign": campaign,
        "uncampaign": campaign,
        "stage": {"stage": stages[number % len(stages)]},
        "tags": {"add": ["new", "old"], "remove": ["odd"]},
        "assign": {"user": person, "role": ROLES[number % len(ROLES)]},
        "pool": {"pond": pond},
        "cover": {"user": person, "until": "2999-01-01T00:00:00+00:00"},
        "owner": {"to": f"unit-{unit}" if number % 2 else f"person-{person}", "keep_assistants": flag},
        "share": {"user": person, "verb": "work_lead" if flag else "view_lead", "until": None},
        "revoke": {"user": person},
    }.get(verb, {})


def picture() -> list[Any]:
    """Every column of every lead, contact point, slot and share."""
    slots = Assignment.objects.order_by("lead", "role").values("lead", "role", "user", "pond", "since", "until")
    shares = LeadShare.grants().order_by("content_object", "user")
    values = shares.values("content_object", "user", "permission", "given_by", "given_at", "until", "company")
    points = ContactPoint.objects.order_by("lead", "kind", "value").values("lead", "kind", "value", "raw", "position")
    added = CampaignLead.objects.filter(added_at__isnull=False).order_by("lead").values("lead", "campaign")
    return [list(Lead.objects.order_by("pk").values()), list(points), list(slots), list(values), list(added)]


def two_of(actor: User, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two leads that she may merge, as their page gives them: what is done, to which."""
    hers = list(Lead.objects.doable_by(actor, Verb.MERGE).order_by("pk"))
    assume(len(hers) > 1)
    kept, other = hers[number % len(hers)], hers[(number + 1) % len(hers)]
    return {"into": {str(other.pk): kept.pk}, "take": []}, picked([kept.public_id, other.public_id])


def levels(built: Built) -> Levels:
    """Everybody's access to everything, read anew."""
    leads = list(Lead.objects.order_by("pk"))
    users = User.objects.select_related("company", "holding__profile").order_by("pk")
    return {
        (user.pk, lead.pk): access_to(keyring, lead).level
        for user, keyring in [(user, load_keyring(user)) for user in users]
        for lead in leads
    }


def run(batch: Batch, actor: User) -> Batch:
    confirm(actor=actor, batch=batch)
    while carry_on(batch.pk):
        pass
    batch.refresh_from_db()
    return batch


def outcome(batch: Batch) -> dict[str, int]:
    counted = batch.items.order_by("reason").values_list("reason").annotate(count=Count("pk"))
    return dict(counted)


def where_they_went() -> dict[int, int]:
    """Of each lead the one that its address leads to: itself, or what it was merged into."""
    ways = Lead.objects.order_by("pk").values_list("pk", "merged_into")
    return {lead: into or lead for lead, into in ways}


def turns(before: Levels, after: Levels, way: dict[int, int]) -> dict[tuple[int, str, str], int]:
    """Per person, how many leads went from which level to which."""
    changed = Counter(
        (user, before[user, lead].name.lower(), after[user, way[lead]].name.lower())
        for user, lead in before
        if before[user, lead] != after[user, way[lead]]
    )
    return dict(changed)


def foreseen(batch: Batch) -> dict[tuple[int, str, str], int]:
    """The same, as its preview has it."""
    sight = (batch.preview or {})["sight"]
    return {(person, one["before"], one["after"]): count for one in sight for person, count in one["people"]}


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    world=worlds().map(settled),
    place=st.integers(0, 5),
    verb=st.sampled_from(VERBS),
    number=st.integers(0, 20),
    flag=st.booleans(),
)
def test_m6_what_is_foreseen_happens_and_undo_leaves_no_trace(
    world: World, place: int, verb: str, number: int, flag: bool
) -> None:
    with in_database(world) as built:
        equip(built)
        everybody = User.objects.select_related("company", "holding__profile")
        actor = everybody.get(pk=built.users[place % len(built.users)].pk)
        Lead.objects.filter(pk__lte=BASE + 3).update(tags=["odd", "old", "even"])
        earlier, seen = picture(), levels(built)
        assume(verb != "pool" or Pond.objects.filter(company=actor.company_id).exists())
        params, scope = params_of(verb, actor.company_id, number, flag=flag), matching("")
        if verb == "merge" and flag:
            params, scope = two_of(actor, number)
        try:
            batch = draft(actor=actor, verb=verb, scope=scope)
            batch = preview(actor=actor, batch=batch, params=params)
        except (PermissionDenied, NotNowError):
            assume(False)
        assert (picture(), batch.changed) == (earlier, 0)
        run(batch, actor)
        assert batch.preview is not None
        assert (batch.state, outcome(batch)) == ("done", batch.preview["reasons"])
        if verb in SEEN_THROUGH_LOCKS:
            assert foreseen(batch) == turns(seen, levels(built), where_they_went())
        if batch.changed:
            changed, done, stays = levels(built), picture(), not_back(batch)
            undoing = run(draft_undo(actor=actor, batch=batch), actor)
            assert outcome(undoing) == dict(+Counter({"": batch.changed - len(stays)}) + Counter(stays.values()))
            if verb != "merge":  # what went into another lead is counted with that
                assert foreseen(undoing) == turns(changed, levels(built), {lead: lead for _, lead in changed})
            if stays:
                assert of_others(picture(), stays) == of_others(earlier, stays)
                assert {key: level for key, level in levels(built).items() if key[1] in stays} == {
                    key: level for key, level in changed.items() if key[1] in stays
                }
                return
            redone = run(draft_undo(actor=actor, batch=undoing), actor)
            assert (picture(), levels(built)) == (done, changed)
            run(draft_undo(actor=actor, batch=redone), actor)
        assert (picture(), levels(built)) == (earlier, seen)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    world=worlds().map(settled),
    place=st.integers(0, 5),
    verb=st.sampled_from(sorted(NEWER)),
    number=st.integers(0, 20),
    flag=st.booleans(),
)
def test_m6_undone_in_part_and_then_the_rest_leaves_no_trace(
    world: World, place: int, verb: str, number: int, flag: bool
) -> None:
    with in_database(world) as built:
        equip(built)
        everybody = User.objects.select_related("company", "holding__profile")
        actor = everybody.get(pk=built.users[place % len(built.users)].pk)
        earlier = picture()
        assume(verb != "pool" or Pond.objects.filter(company=actor.company_id).exists())
        try:
            batch = begun(actor, verb, number, flag=flag)
            number += verb not in {"share", "revoke"}  # of which another colleague's is not what stands upon hers
            newer = begun(actor, NEWER[verb], number, flag=not flag, among=batch)
        except (PermissionDenied, NotNowError):
            assume(False)
        assume(not not_back(batch) and not not_back(newer))
        changed, above = leads(standing(batch)), leads(standing(newer))
        assert taken_back(batch, actor) == changed - above
        assert taken_back(newer, actor) == above
        assert taken_back(batch, actor) == above
        assert not standing(batch).exists()
        assert picture() == earlier


def not_back(batch: Batch) -> dict[int, str]:
    """The leads that may not become again what they were, and why: a unit that is closed gets none back (O4), and where the
    company owns all leads none becomes anybody else's (O5).
    """
    changed = batch.items.filter(outcome="changed").order_by("number")
    closed = changed.filter(lead__owner_unit__closed_at__isnull=False).values_list("lead_id", flat=True)
    if batch.verb == "delete":
        return dict.fromkeys(closed, "left")
    if batch.verb != "owner" or batch.company.personal_leads != PersonalLeads.COMPANY_ONLY:
        return {}
    whole = Unit.objects.get(company=batch.company_id, kind=Unit.Kind.COMPANY).pk
    return {item.lead_id: "policy" for item in changed if (item.before or {})["owner_unit"] != whole}


def of_others(rows: list[Any], leads: Collection[int]) -> list[Any]:
    """A picture without these leads."""
    names = ("id", "lead", "lead", "content_object")
    return [[row for row in kind if row[name] not in leads] for kind, name in zip(rows, names, strict=True)]


def begun(actor: User, verb: str, number: int, *, flag: bool, among: Batch | None = None) -> Batch:
    """A batch of all leads, or of every other one that another has changed, carried to its end."""
    scope, params = matching(""), params_of(verb, actor.company_id, number, flag=flag)
    params |= {"role": "agent"} if verb == "assign" else {}  # the slot that the other verbs are about
    if among:
        changed = among.items.filter(outcome="changed").order_by("number")
        scope = picked(changed.values_list("lead__public_id", flat=True)[::2])
        params |= {"add": ["newer"]} if verb == "tags" else {}
    batch = draft(actor=actor, verb=verb, scope=scope)
    return run(preview(actor=actor, batch=batch, params=params), actor)


def leads(items: QuerySet[BatchItem]) -> set[int]:
    return set(items.values_list("lead_id", flat=True))


def taken_back(batch: Batch, actor: User) -> set[int]:
    """Which leads an undo of it brings back."""
    if not standing(batch).exists():
        return set()
    return leads(standing(run(draft_undo(actor=actor, batch=batch), actor)))
