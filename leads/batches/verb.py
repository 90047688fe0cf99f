"""What a mass action is made of. A verb is one file in `verbs`; registered, it has the page, the engine and undo."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject

from crm.organization.models import User
from leads.models import Batch, Lead
from leads.querysets import LeadQuerySet
from leads.services.transferring import Cause
from permissions.access import Keyring, Level, Standing
from permissions.catalog import Permission
from permissions.door import seen_by
from permissions.verbs import IN_WORDS

Moving = Callable[[Standing], Standing]


class NotNowError(Exception):
    """The batch cannot go on, or cannot begin; the text says why in words for the page."""


@dataclass(frozen=True)
class Act:
    """One batch as its verb sees it: what it is, who does it, and what she may do at this moment."""

    batch: Batch
    actor: User
    keyring: Keyring

    @property
    def params(self) -> Mapping[str, Any]:
        params: Mapping[str, Any] = self.batch.params
        return params

    @property
    def cause(self) -> dict[str, Any]:
        """What every row in the ledger says of it: `actor`, `why`, `batch`."""
        return {"actor": self.actor.pk, "why": self.why, "batch": self.batch.pk}

    @property
    def by(self) -> Cause:
        """The same for services that take it so."""
        return Cause(self.actor, self.why, self.batch.pk)

    @property
    def why(self) -> str:
        how = "by hand" if self.batch.is_of_one else "in mass"
        if self.batch.does_again:
            return f"done again {how}"
        return f"undone {how}" if self.batch.takes_back else how


@dataclass(frozen=True)
class Skip:
    """A reason to leave a lead alone: a code of the verb's `reasons`, and the leads it holds for."""

    code: str
    when: Q | Combinable


@dataclass(frozen=True)
class Sight:
    """People of one kind whose sight of some of the leads changes from one level to another.

    `people` are pairs of a person and her number of leads; `others` are counted only.
    """

    kind: str  # owner, assigned, manager, member or shared
    before: str
    after: str
    people: Sequence[tuple[int, int]]
    others: int = 0


class VerbForm(forms.Form):
    """What a verb has to know. `params` is JSON of ids and words; `given` turns it back into initial values."""

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor

    @property
    def params(self) -> dict[str, Any]:
        return {name: getattr(value, "pk", value) for name, value in self.cleaned_data.items()}


class MassVerb:
    """A verb that can be done to many leads. What is not said here is the same for all of them.

    A lead is skipped for the first of these reasons: she may not read it, may not do this with it, a Skip of the verb.
    """

    code: ClassVar[str]
    label: ClassVar[str]
    doing: ClassVar[str] = "Change"  # on the button
    done: ClassVar[str] = "Changed"  # of a lead
    form: ClassVar[type[VerbForm]] = VerbForm
    level: ClassVar[Level] = Level.MANAGE
    permission: ClassVar[Permission | None] = None
    limit: ClassVar[int] = 100_000
    reasons: ClassVar[Mapping[str, str]] = {}
    irrevocable: ClassVar[str] = ""  # why it cannot be undone
    only_actor_undoes: ClassVar[bool] = False
    gives_away: ClassVar[bool] = False  # whoever does it may lose the leads by it
    offered: ClassVar[bool] = True  # on the People page, for any leads
    whole: ClassVar[bool] = False  # it does more than its leads: `begin` and `finish`, even where there are none
    revives: ClassVar[bool] = False  # whether an undo brings back leads that are not there any more

    @property
    def asks(self) -> bool:
        """Whether there is anything to say before the preview."""
        return bool(self.form.base_fields)

    def why_not(self, actor: User, *, of_one: bool = False) -> str:
        """Why she may not do this at all, to many leads or to one, in a sentence; empty where she may."""
        if not actor.is_active:
            return f"{actor} is deactivated."
        if self.permission and not actor.has_perm(self.permission):
            return f"The profile does not include {IN_WORDS.get(self.permission, 'this')}."
        return "" if of_one else self.why_not_many(actor)

    def why_not_many(self, actor: User) -> str:
        """Why she may not do this in mass, in a sentence; empty where she may."""
        if actor.has_perm(Permission.MASS_EDIT_LEAD):
            return ""
        return "The profile does not include changing many leads at once."

    def allowed(self, keyring: Keyring) -> Q:
        """The leads she may do this with."""
        return seen_by(keyring, self.level)

    def leads(self, act: Act) -> LeadQuerySet | None:
        """The leads it is about, where that is not for the scope to say."""
        return None

    def alone(self, act: Act, subject: Any) -> None:
        """Hold the person or unit that a `whole` batch is about, and raise NotNowError while another one is about it."""
        type(subject).objects.select_for_update(of=("self",), no_key=True).get(pk=subject.pk)
        rivals = Batch.objects.filter(verb=self.code, state=Batch.State.RUNNING, scope=act.batch.scope, undoes=None)
        for rival in (
            rivals.filter(params__has_key="kept").exclude(pk=act.batch.pk).select_related("actor").order_by("pk")[:1]
        ):
            by = "begun by yourself" if rival.actor_id == act.actor.pk else f"by {rival.actor}"
            raise NotNowError(f"The same is being done already, {by}.")
        self.check(act)

    def begin(self, act: Act) -> None:
        """For `whole` verbs: what is done, or undone, before the first lead, in the transaction of the first chunk."""

    def finish(self, act: Act) -> None:
        """For `whole` verbs: what is done, or undone, after the last lead, in the transaction of the last chunk."""

    def keep(self, act: Act, what: Mapping[str, Any]) -> None:
        """Remember what an undo of `begin` and `finish` needs, as `kept`."""
        act.batch.params = {**act.batch.params, "kept": {**act.batch.params.get("kept", {}), **what}}
        act.batch.save(update_fields=["params"])

    def check(self, act: Act) -> None:
        """Raise NotNowError where what the batch needs is gone, such as the person leads are to be assigned to."""

    def fixed(self, act: Act) -> None:
        """Skip items because of others of the batch, for its preview has just fixed which leads there are."""

    def refusals(self, act: Act) -> Sequence[Skip]:
        """Why she may not do it with leads that she may read, where more can be said than that."""
        return ()

    def skips(self, act: Act) -> Sequence[Skip]:
        """Why those stay as they are that she may do it with."""
        return ()

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        """Reasons not to undo this with a lead, beside that it has changed since."""
        return ()

    def undoable_by_manager(self, act: Act) -> Q:
        """The leads that a manager of the company may have back though somebody else did it to them."""
        return seen_by(act.keyring, Level.MANAGE)

    def undone_for(self, batch: Batch) -> timedelta | None:
        """How long after its end it can be undone; None: as long as nothing newer has happened."""
        return None

    def way_back(self, batch: Batch) -> str:
        """Whether and how long it can be undone, in a sentence."""
        if self.irrevocable:
            return self.irrevocable
        lasts = self.undone_for(batch)
        hours = f", and for {lasts.total_seconds() / 3600:.0f} hours at most" if lasts else ""
        return f"You can undo this for each lead until somebody changes the same of it again{hours}."

    def parts(self, act: Act) -> dict[str, Any]:
        """All that the verb touches of a lead, part by part, as JSONObject takes it."""
        raise NotImplementedError

    def image(self, act: Act) -> JSONObject:
        """The parts as one JSON value: before and after it tell whether anything changed. And whose the lead is: an undo
        leaves alone what has another owner since, who was not asked.
        """
        return JSONObject(**self.parts(act), of_unit="owner_unit_id", of_user="owner_user_id")

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        """Do it, in sets, to leads that the caller has locked and judged; with ledger rows that name the batch."""
        raise NotImplementedError

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        """Make the image of these leads again what it was before `act.batch.undoes`, with ledger rows."""
        raise NotImplementedError

    def touched(self, act: Act, lead_ids: Collection[int]) -> Collection[int]:
        """Those of these leads, just done, that count as changed though their images may be as they were."""
        return ()

    def words(self, act: Act) -> str:
        """What the batch does: `Change the stage to Contacted`."""
        return self.label

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        """What it does to each of these few leads, as words: from, to."""
        return [(lead, "", "") for lead in leads]

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        """What leads with these images are, in the words of `steps`: an undo shows its examples by them."""
        return [""] * len(images)

    def loss(self, act: Act) -> str:
        """What is given up by it, in plain words, for the preview."""
        return ""

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        """Who gains and who loses sight by doing it to these leads."""
        return []

    def returning(self, act: Act) -> tuple[Sequence[Standing], Moving | None]:
        """Who comes back to the company or a unit by an undo, as she stands; and where all of them stand then."""
        return (), None

    def file(self, act: Act) -> str:
        """Where the file it made is fetched, if it made one."""
        return ""

    def tell(self, act: Act) -> None:
        """Tell whom it concerns, once it is over and has changed something; an undo too."""


_verbs: dict[str, MassVerb] = {}


def register(verb: MassVerb) -> None:
    """Offer the verb on the page. Higher rooms register theirs when they start."""
    _verbs[verb.code] = verb


def verb_of(batch: Batch) -> MassVerb:
    return _verbs[batch.verb]


def find_verb(code: str) -> MassVerb | None:
    return _verbs.get(code)


def verbs_for(actor: User) -> list[MassVerb]:
    """Those she may use, in the order they are registered."""
    return [verb for verb in _verbs.values() if verb.offered and not verb.why_not(actor)]
