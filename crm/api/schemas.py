"""What the API takes and gives. Money is whole units of the company's currency, moments are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self, cast

from django.core.exceptions import ValidationError
from ninja import Schema
from pydantic import (
    AfterValidator,
    AliasChoices,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic import ValidationError as UnfitError
from pydantic_core import ErrorDetails

from crm.api.problems import plain
from crm.core.lines import straight
from crm.organization.models import validate_time_zone
from leads.forms import LONGEST_NOTE, LONGEST_TAG, MOST_LINES
from leads.own_values import LONGEST_VALUE
from leads.services.working import PEOPLE_TO_MEET
from leads.states import kept_as
from leads.tags import united

MOST_AT_ONCE = 1000
MOST_OWN = 200
MOST_SAID, LONGEST_PLACE = 5, 120  # of what is wrong with one of many
NO_NUL = r"^[^\x00]*$"
Kind = Literal["", "buyer", "seller", "renter", "landlord", "investor", "insurance", "other"]


def known_zone(zone: str) -> str:
    try:
        if zone:
            validate_time_zone(zone)
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from error
    return zone


Name = Annotated[str, Field(max_length=120, pattern=NO_NUL), AfterValidator(straight)]
Line = Annotated[str, Field(max_length=254, pattern=NO_NUL), AfterValidator(straight)]
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG, pattern=NO_NUL), AfterValidator(straight)]
Zone = Annotated[str, Field(max_length=64, pattern=NO_NUL), AfterValidator(known_zone)]
Price = Annotated[int, Field(ge=0, le=10**15)]
Id = Annotated[int, Field(ge=1, le=2**62)]
Own = Annotated[str, Field(max_length=LONGEST_VALUE, pattern=NO_NUL), AfterValidator(straight)]
Note = Annotated[str, Field(max_length=LONGEST_NOTE, pattern=NO_NUL), AfterValidator(straight)]


COLUMNS = {
    **{name: name for name in ("first_name", "last_name", "company_name", "street", "city", "state", "postal_code")},
    **{name: name for name in ("time_zone", "language", "tags", "score", "price_min", "price_max")},
    "type": "kind",
}


class Strict(Schema):
    """A name that is misspelt is an error, not a value that is lost."""

    model_config = ConfigDict(extra="forbid")


class LeadFacts(Strict):
    """What is known of a lead. Phones as people write them; what has no + is read as of the company's country."""

    first_name: Name = ""
    last_name: Name = ""
    company_name: Name = ""
    phones: list[Line] = Field([], max_length=MOST_LINES)
    emails: list[Line] = Field([], max_length=MOST_LINES)
    street: Line = ""
    city: Name = ""
    state: Annotated[str, Field(max_length=40, pattern=NO_NUL), AfterValidator(straight)] = ""
    postal_code: Annotated[str, Field(max_length=16, pattern=NO_NUL), AfterValidator(straight)] = ""
    time_zone: Zone = ""
    language: Annotated[str, Field(max_length=16, pattern=NO_NUL), AfterValidator(straight)] = ""
    type: Kind = ""
    source: Annotated[str, Field(max_length=80, pattern=NO_NUL), AfterValidator(straight)] = ""
    tags: list[Tag] = Field([], max_length=MOST_LINES)
    score: Annotated[int, Field(ge=0, le=100)] = 0
    price_min: Price | None = None
    price_max: Price | None = None
    custom: dict[str, Own] = Field(
        {}, max_length=MOST_OWN, description="Your company’s own fields by key; an empty text empties one."
    )

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.price_min is not None and self.price_max is not None and self.price_min > self.price_max:
            raise ValueError("The price it ends at is less than the price it starts from.")
        return self

    def columns(self) -> dict[str, object]:
        """What was sent, as columns of the lead."""
        sent = self.model_dump(include=set(COLUMNS), exclude_unset=True)
        renamed = {COLUMNS[name]: value for name, value in sent.items()}
        if "tags" in renamed:
            renamed["tags"] = united(self.tags)
        if "state" in renamed:
            renamed["state"] = kept_as(self.state)
        return renamed


class NewLeadIn(LeadFacts):
    """A lead to be. Say whose it is: `owner_id` (or `user_id`) for a person's, `unit_id` for a unit's, or the `channel`
    that it is to count as having come by, whose unit or person owns it then.

    A lead of a unit is routed as `route` says; without it, if it came by a channel with a routing.
    """

    owner_id: Id | None = None
    user_id: Id | None = Field(None, description="The same as `owner_id`.")
    unit_id: Id | None = None
    channel: Annotated[str, Field(max_length=12, pattern=NO_NUL)] | None = None
    route: bool | None = None
    hidden: bool | None = None
    stage_id: Id | None = None
    note: Note = ""
    duplicates: Literal["skip", "update", "create"] = Field(
        "skip", description="What to do with somebody who is among the leads you may see already."
    )
    campaign_id: Id | None = Field(None, validation_alias=AliasChoices("campaign_id", "campaign"))
    hopper: bool | Literal[0, 1] = Field(
        False,
        description="Put it into the hopper of `campaign_id` at once; without, the load takes it as it takes others.",
    )

    @model_validator(mode="after")
    def is_somebody(self) -> Self:
        if not any(getattr(self, name) for name in (*PEOPLE_TO_MEET, "phones", "emails")):
            raise ValueError("Give at least a name, a company, a phone or an e-mail.")
        if self.owner_id and self.user_id and self.owner_id != self.user_id:
            raise ValueError("owner_id and user_id are the same thing, and name two people.")
        if bool(self.person_id) and self.unit_id:
            raise ValueError("A lead has one owner: a person or a unit.")
        if not (self.person_id or self.unit_id or self.channel):
            raise ValueError("Say whose it is: owner_id, unit_id or channel.")
        if self.hopper and not self.campaign_id:
            raise ValueError("Say whose hopper it goes into: campaign_id.")
        return self

    @property
    def person_id(self) -> int | None:
        return self.owner_id or self.user_id


@dataclass(frozen=True)
class Unreadable:
    """One of many that cannot be read, and why: it is refused without the others."""

    why: str


def _or_why_not(sent: object, read: ValidatorFunctionWrapHandler) -> NewLeadIn | Unreadable:
    try:
        return cast(NewLeadIn, read(sent))
    except UnfitError as error:
        said = [_in_words(one) for one in error.errors(include_url=False, include_context=False, include_input=False)]
        return Unreadable(" ".join(said[:MOST_SAID]))


def _in_words(error: ErrorDetails) -> str:
    place = kept(".".join(map(str, error["loc"])))[:LONGEST_PLACE]
    said = plain(error["msg"]).rstrip(".")
    return f"{place}: {said}." if place else f"{said}."


def kept(said: str) -> str:
    """Words with names from outside, for an answer that is kept: it takes neither NUL nor half a character."""
    return said.encode(errors="replace").decode().replace("\x00", "␀")


def _or_anything(schema: dict[str, Any]) -> None:
    schema["items"] = {"anyOf": [schema["items"], {"description": "What is no such lead is refused by itself."}]}


class BatchIn(Strict):
    leads: list[Annotated[NewLeadIn, WrapValidator(_or_why_not)]] = Field(
        min_length=1, max_length=MOST_AT_ONCE, json_schema_extra=_or_anything
    )


class LeadChange(LeadFacts):
    """What is sent is changed, what is left out stays. Phones and e-mails replace those there are."""

    stage_id: Id | None = None


class ActivityIn(Strict):
    """Something that was done with the lead."""

    kind: Literal["call", "text", "email", "note", "meeting"]
    body: Note = ""
    direction: Literal["", "in", "out"] = ""
    outcome: Literal["", "reached", "no_answer", "voicemail", "busy", "wrong_number"] = ""

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if self.kind == "call" and not self.outcome:
            raise ValueError("Say how the call went: outcome.")
        if self.kind == "note" and not self.body:
            raise ValueError("Write the note: body.")
        return self


class Named(Schema):
    id: int
    name: str


class Owner(Named):
    kind: str = Field(description="person, company, office or team")


class Communications(Schema):
    call: int
    text: int
    email: int


class RedactedLead(Schema):
    """All that you may know of a lead that its owner hides, or that is on offer to you and others."""

    redacted: Literal[True] = True
    first_name: str
    stage: str
    owner: Owner
    score: int
    last_activity_at: datetime
    communications: Communications


class LeadOut(Schema):
    redacted: Literal[False] = False
    id: str
    url: str
    access: str = Field(description="What you may do: view, work or manage.")
    first_name: str
    last_name: str
    company_name: str
    phones: list[str]
    emails: list[str]
    street: str
    city: str
    state: str
    postal_code: str
    time_zone: str
    language: str
    type: str
    source: str
    tags: list[str]
    score: int
    price_min: int | None
    price_max: int | None
    custom: dict[str, str]
    stage: Named
    owner: Owner
    agent: Named | None
    origin: Literal["company", "agent"]
    hidden: bool
    do_not_call: bool
    created_at: datetime
    last_activity_at: datetime


class LeadsOut(Schema):
    leads: list[LeadOut | RedactedLead]
    next: str = Field(description="What to send as `cursor` for the next page; empty at the end.")
    count: int = Field(description="How many match; at most 10,000 are counted.")


class Inserted(Schema):
    """What became of a lead that was sent: `refused` says why in `detail`, and so does a lead that had to stay out of the
    hopper.
    """

    index: int
    outcome: Literal["created", "existing", "updated", "refused"]
    id: str = ""
    url: str = ""
    in_hopper: bool = False
    detail: str = ""


class BatchOut(Schema):
    results: list[Inserted]


class HopperIn(Strict):
    leads: list[Annotated[str, Field(max_length=12, pattern=NO_NUL)]] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="Their ids."
    )


class Entered(Schema):
    """Whether a lead is in the hopper now; if not, why in `detail`."""

    id: str
    in_hopper: bool
    detail: str = ""


class HopperOut(Schema):
    results: list[Entered]


class ActivityOut(Schema):
    at: datetime
    kind: str
    by: Named | None
    direction: str
    outcome: str
    body: str
    automatic: bool


class ActivitiesOut(Schema):
    activities: list[ActivityOut]
    next: str


class UserOut(Named):
    email: str


class UsersOut(Schema):
    users: list[UserOut]
    next: str


class StageOut(Named):
    kind: str


class FieldOut(Schema):
    key: str
    label: str
    kind: str = Field(description="text, number, date or choice")
    choices: list[str]


class ChannelOut(Schema):
    id: str
    name: str
    kind: str
    owner: Owner


class CampaignOut(Named):
    unit: Named
    active: bool
