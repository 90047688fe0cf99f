"""What leaves a hopper at each load (D5), beside what left it with its cause. Nothing that somebody has before her.

What programs put in and was waiting for that is ready then (D6).
"""

from __future__ import annotations

from collections import Counter, defaultdict

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from dialer.models import HopperEntry
from dialer.services.campaigns import leads_of
from dialer.services.reach import Reach
from leads.models import Lead

ABSENT = "agent not logged in"
NOBODY = "nobody logged in"
SHUT = "not callable now"
ELSEWHERE = "not in the campaign any more"
UNSKILLED = "nobody logged in has the skill"


def flush(reach: Reach) -> Counter[str]:
    """Remove them: how many by why. Entries that somebody is changing are left for the next run."""
    waiting = HopperEntry.objects.filter(campaign=reach.campaign, reserved_by=None)
    if not reach.agents:
        return _remove({NOBODY: _ids(waiting)})
    owners = reach.agents if reach.campaign.enforce_lead_ownership else []
    absent = _ids(waiting.filter(agent__isnull=False).exclude(agent__in=set(owners)))
    removed = _remove({ABSENT: absent}) + _remove(_unfit(reach, waiting))
    waiting.filter(pk__any_of=_ids(waiting.filter(ready=False))).update(ready=True)
    return removed


def _unfit(reach: Reach, waiting: QuerySet[HopperEntry]) -> dict[str, list[int]]:
    """What could not be loaded now, by why."""
    here = Lead.objects.filter(pk=OuterRef("lead"))
    shut = ~Exists(reach.dialable.filter(pk=OuterRef("lead")))
    elsewhere = Q(source=HopperEntry.Source.LOAD) & ~Exists(here.filter(leads_of(reach.campaign, reach.now)))
    unskilled = Q(agent=None) & ~Exists(here.filter(reach.for_somebody()))
    whys = [When(Q(shut), then=0), When(elsewhere, then=1), When(unskilled, then=2)]
    unfit = waiting.filter(Q(shut) | elsewhere | unskilled).annotate(why=Case(*whys))
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pk, why in unfit.order_by("pk").select_for_update(skip_locked=True, of=("self",)).values_list("pk", "why"):
        found[(SHUT, ELSEWHERE, UNSKILLED)[why]].append(pk)
    return found


def _ids(entries: QuerySet[HopperEntry]) -> list[int]:
    return list(entries.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))


def _remove(entries: dict[str, list[int]]) -> Counter[str]:
    for found in entries.values():
        HopperEntry.objects.filter(pk__any_of=found).delete()
    return Counter({why: len(found) for why, found in entries.items() if found})
