"""Where all kinds of people meet all kinds of things: the scene of the endpoint table and of the redaction tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.db.models.functions import Now

from crm.notifications.devices import tell_on
from crm.notifications.services import Message, notify
from crm.organization.models import Invitation, Unit, User
from crm.webhooks.models import Event, Webhook
from crm.webhooks.services import add
from dialer.models import AgentSession, Automation, PhoneAccount, PhoneNumber
from dialer.services.do_not_call_files import take_in
from dialer.services.gates import permit
from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import picked
from leads.imports.uploading import create_run
from leads.messaging.way_out import address_for
from leads.models import (
    Activity,
    Batch,
    Conflict,
    CustomField,
    ImportTemplate,
    Lead,
    Mail,
    MessageTemplate,
    SavedView,
    SlotRole,
    Source,
)
from leads.services.asking import ask
from permissions.joining.invitations import token_of
from permissions.models import Profile
from permissions.tokens.services import Scope, issue
from routing.models import Channel, InboundLead, InboundRequest
from routing.services.rules import begin_draft
from tests.factories import marks
from tests.factories.campaigns import make_campaign, make_filter, make_listed
from tests.factories.leads import assign, make_lead, make_pond, make_stage, make_task, offer
from tests.factories.marks import Told
from tests.factories.people import make_member, make_user
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.routing.capture.scenes import make_channel
from tests.routing.scenes import make_policy, on_roster

PEOPLE = ("anonymous", "other", "stranger", "agent", "assigned", "lead", "office", "company")
DEVICE = {"endpoint": "https://push.example/a", "p256dh": "key", "auth": "key", "device": "Firefox on Linux"}
WEBHOOK = {"name": "Accounting", "url": "https://hooks.example/a", "events": Event.values}
TEAM, OFFERED, PERSONAL, HIDDEN = range(4)  # the numbers by which the leads are marked
NUMBERS = {"team": TEAM, "offered": OFFERED, "personal": PERSONAL, "hidden": HIDDEN}
MANAGER: Told = {TEAM: "view", OFFERED: "view", PERSONAL: "view", HIDDEN: "redacted"}
MAY_KNOW: dict[str, Told] = {  # of which leads, and how much
    "anonymous": {},
    "other": {},
    "stranger": {},
    "agent": {PERSONAL: "view", HIDDEN: "view"},
    "assigned": dict.fromkeys((TEAM, OFFERED, PERSONAL, HIDDEN), "view"),
    "lead": MANAGER,
    "office": MANAGER,
    "company": MANAGER,
}


def beyond_her(person: str, what: Told) -> Told:
    """Of what she was told, that which she may not know."""
    return {lead: level for lead, level in what.items() if MAY_KNOW[person].get(lead) not in (level, "view")}


@dataclass
class Crossing:
    """`people` by what they are to the leads, `things` by the name the table gives them, as addresses write them."""

    harbor: Brokerage
    people: dict[str, User | None]
    leads: dict[str, Lead]
    things: dict[str, str]


def crossing(policy: str = "visible") -> Crossing:
    """Lakeside owns `team`, worked by Ben, and `offered`; Ana owns `personal` and `hidden`, on which Ben assists."""
    harbor = brokerage(policy)
    make_policy(harbor.lakeside, fallback=harbor.lead)
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    leads = {
        "team": marked(harbor.lakeside, TEAM, agent=harbor.ben),
        "offered": marked(harbor.lakeside, OFFERED, agent=harbor.ben),
        "personal": marked(harbor.ana, PERSONAL),
        "hidden": marked(harbor.ana, HIDDEN, hidden=True),
    }
    offer(leads["offered"], harbor.ben)
    for name in ("personal", "hidden"):
        assign(leads[name], harbor.ben, "assistant")
    return Crossing(harbor, people_of(harbor), leads, things_of(harbor, leads))


def marked(owner: Unit | User, number: int, **fields: Any) -> Lead:
    """A lead that any answer can be searched for, with all that a lead may have."""
    CustomField.objects.get_or_create(company=owner.company, key="hobby", defaults={"label": "Hobby"})
    lead = make_lead(
        owner,
        phones=[marks.phone(number)],
        emails=[marks.email(number)],
        source=marks.source(number),
        **marks.columns(number),
        **fields,
    )
    for kind in ("note", "call"):
        Activity.objects.create(company=owner.company, lead=lead, kind=kind, body=marks.note(number))
    people = User.objects.filter(company=owner.company).order_by("pk")
    told = [Message(user_id=user.pk, kind="offer", title="{lead} was offered", lead_id=lead.pk) for user in people]
    notify(owner.company_id, told)
    return lead


def people_of(harbor: Brokerage) -> dict[str, User | None]:
    """`stranger` is a colleague without a tie to the leads; `agent` owns the personal ones; `assigned` works them all."""
    people = (None, stranger(), harbor.eve, harbor.ana, harbor.ben, harbor.lead, harbor.north_admin, harbor.broker)
    return dict(zip(PEOPLE, people, strict=True))


def things_of(harbor: Brokerage, leads: dict[str, Lead]) -> dict[str, str]:
    numbered = {
        "lakeside": harbor.lakeside,
        "lead": harbor.lead,
        "ana": harbor.ana,
        "ben": harbor.ben,
        "eve": harbor.eve,
        "newcomer": make_user(harbor.company, "Newcomer"),
        "profile": Profile.objects.create(company=harbor.company, code="helper", name="Helper", permissions=[]),
        "stage": make_stage(harbor.company, "Warm"),
        "source": Source.objects.create(company=harbor.company, name="Open house"),
        "field": CustomField.objects.create(company=harbor.company, key="pet", label="Pet"),
        "invitation": invitation(harbor),
        "role": SlotRole.objects.create(company=harbor.company, code="closer", name="Closer"),
        "pond": make_pond(harbor.lakeside, harbor.ana),
        "inbound": came_by(make_channel(harbor.lakeside), *leads.values()),
        "rule": begin_draft(actor=harbor.lead, unit=harbor.lakeside).rules.get(),
        "asked": ask(asker=harbor.ben, lead=leads["team"], kind="transfer"),
        "asked_ana": ask(asker=harbor.lead, lead=leads["personal"], kind="transfer"),
        "conflict": conflict_over(leads["personal"], leads["team"]),
        "secret": leads["hidden"].source,
        "template": ImportTemplate.objects.create(company=harbor.company, created_by=harbor.ana, name="List"),
        "device": tell_on(user=harbor.ana, session_key="", **DEVICE),
        **programs_of(harbor),
        **dialing_of(harbor, leads),
    }
    drafted, done = batch(harbor, leads["team"]), batch(harbor, leads["offered"])
    confirm(actor=harbor.lead, batch=done)
    carry_on(done.pk)
    taken = export(harbor, leads["team"])
    run = create_run(actor=harbor.ana, file=BytesIO(b"Name,E-mail\nMaya,maya@mail.example\n"), name="list.csv")
    named = {"channel": numbered["inbound"].channel.public_id, "token": token_of(numbered["invitation"])}
    named |= {"website": make_channel(harbor.lakeside, "website").public_id, "delivery": delivery_of(leads["team"])}
    named |= {"out": address_for(leads["team"]).rstrip("/").rpartition("/")[2]}
    named |= {"draft": drafted.public_id, "batch": done.public_id, "export": taken.public_id, "run": run.public_id}
    return (
        {name: lead.public_id for name, lead in leads.items()}
        | {name: str(row.pk) for name, row in numbered.items()}
        | named
    )


def dialing_of(harbor: Brokerage, leads: dict[str, Lead]) -> dict[str, Any]:
    campaign = make_campaign(harbor.north)
    at_work = {"company": harbor.company, "campaign": campaign, "user": make_member(harbor.hilltop)}
    return {
        "filter": make_filter(harbor.north),
        "campaign": campaign,
        "session": AgentSession.objects.create(**at_work),
        "account": PhoneAccount.objects.create(company=harbor.company, account_sid="AC1", auth_token="x", active=False),
        "line": PhoneNumber.objects.create(company=harbor.company, number="+12015550100", unit=harbor.north),
        "attempt": permit(lead=leads["team"], user=harbor.ben, campaign=None, number=marks.phone(TEAM)),
        "automation": Automation.objects.create(
            company=harbor.company, unit=harbor.north, author=harbor.north_admin, name="Fresh", trigger="created"
        ),
        "view": SavedView.objects.create(
            company=harbor.company, created_by=harbor.ana, name="Hot", unit=harbor.lakeside
        ),
        "own_view": SavedView.objects.create(company=harbor.company, created_by=harbor.ana, name="Own"),
        "message": MessageTemplate.objects.create(company=harbor.company, kind="text", name="Hello", body="Hi"),
        "own_message": MessageTemplate.objects.create(
            company=harbor.company, user=harbor.ana, kind="text", name="Hello", body="Hi"
        ),
        "mail": mail_of(leads["team"], harbor.ben),
        "task_own": make_task(harbor.ana),
        "task_team": make_task(harbor.ben, leads["team"]),
        "task_personal": make_task(harbor.ana, leads["personal"]),
        "task_hidden": make_task(harbor.ana, leads["hidden"]),
        "listed": make_listed(harbor.company),
        "numbers": take_in(actor=harbor.broker, file=BytesIO(b"6025550100\n"), name="list.csv", reason="asked"),
    }


def mail_of(lead: Lead, sender: User) -> Mail:
    """An e-mail that did not go."""
    line = Activity.objects.create(
        company=lead.company, lead=lead, kind="email", outcome="undelivered", body="Hi\n\nHi"
    )
    return Mail.objects.create(company=lead.company, activity=line, sender=sender, to="a@mail.example", state="failed")


def programs_of(harbor: Brokerage) -> dict[str, Any]:
    """Ben's."""
    return {
        "webhook": add(user=harbor.ben, **WEBHOOK),
        "key": issue(user=harbor.ben, name="Website", scopes=[Scope.LEADS_READ], lasts=None)[0],
    }


def delivery_of(lead: Lead) -> str:
    """The number of one by Ben's webhook that was given up."""
    webhook = Webhook.objects.get(company=lead.company)
    values = {
        "kind": Event.CREATED,
        "event_id": 1,
        "fact_id": 1,
        "at": Now(),
        "tries": 10,
        "status": 500,
        "state": "dead",
    }
    made = webhook.deliveries.create(lead=lead, **values)
    made.refresh_from_db()
    return str(made.number)


def conflict_over(known: Lead, arrived: Lead) -> Conflict:
    values = {"known_by": known.owner_user, "came_by": "Website", "alike_by": ["email"]}
    return Conflict.objects.create(company_id=known.company_id, known=known, arrived=arrived, **values)


def came_by(channel: Channel, *leads: Lead) -> InboundRequest:
    """A request that could not be read, of a channel by which all these leads came."""
    owned = {"company": channel.company, "channel": channel}
    request = InboundRequest.objects.create(body=b"?", digest=b"1", state="unreadable", error="It is odd.", **owned)
    for number, lead in enumerate(leads):
        InboundLead.objects.create(
            request=request, number=number, key=bytes([number]), state="created", lead=lead, **owned
        )
    return request


def batch(harbor: Brokerage, lead: Lead) -> Batch:
    """A previewed mass action of the team lead."""
    made = draft(actor=harbor.lead, verb="tags", scope=picked([lead.public_id]))
    return preview(actor=harbor.lead, batch=made, params={"add": ["hot"], "remove": []})


def export(harbor: Brokerage, lead: Lead) -> Batch:
    """The broker's file of this lead, ready to be fetched."""
    taken = preview(
        actor=harbor.broker,
        batch=draft(actor=harbor.broker, verb="export", scope=picked([lead.public_id])),
        params={"format": "csv", "columns": ["first_name", "last_name"]},
    )
    confirm(actor=harbor.broker, batch=taken)
    carry_on(taken.pk)
    return taken


def invitation(harbor: Brokerage) -> Invitation:
    made = Invitation.objects.create(
        company=harbor.company,
        unit=harbor.lakeside,
        email="invited@example.com",
        profile="agent",
        invited_by=harbor.broker,
        expires_at=Now() + timedelta(days=7),
    )
    made.refresh_from_db()
    return made
