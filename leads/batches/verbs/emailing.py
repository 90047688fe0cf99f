"""E-mailing many leads (L7): each by the gates, with its own values in the fields, marked as bulk on its timeline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django import forms
from django.db import connection
from django.db.models import OuterRef, Subquery, Value

from leads import signals
from leads.batches.verb import Act, MassVerb, Skip, VerbForm
from leads.forms import LONGEST_NOTE, LONGEST_SUBJECT
from leads.messaging.fields import problem_of
from leads.messaging.gates import WORDS, shut
from leads.messaging.merging import filled
from leads.messaging.writing import post_soon, sender_of
from leads.models import Activity, ContactPoint, Lead, Mail, MessageTemplate
from leads.models.mail import joined
from leads.querysets import LeadQuerySet
from leads.template_forms import FIELDS_HELP
from permissions.access import Level

ADDRESS = ContactPoint.objects.filter(lead=OuterRef("pk"), kind=ContactPoint.Kind.EMAIL).order_by("position", "pk")
SHOWN = 90  # characters of an example
AGAIN = """
UPDATE leads_batchitem AS item SET outcome = 'skipped', reason = 'same_address'
FROM (
    SELECT going.number, row_number() OVER (PARTITION BY point.value ORDER BY going.number) AS nth
    FROM leads_batchitem AS going CROSS JOIN LATERAL (
        SELECT value FROM leads_contactpoint WHERE lead_id = going.lead_id AND kind = 'email' ORDER BY position, id LIMIT 1
    ) AS point
    WHERE going.batch_id = %s AND going.outcome = ''
) AS address
WHERE item.batch_id = %s AND item.number = address.number AND address.nth > 1
"""


class EmailForm(VerbForm):
    """A template, or what is written here. What is previewed is what goes, though the template changes meanwhile."""

    template = forms.ModelChoiceField(MessageTemplate.objects.none(), required=False, empty_label="None: written below")
    subject = forms.CharField(max_length=LONGEST_SUBJECT, required=False)
    body = forms.CharField(
        label="Message", required=False, max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 8})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = MessageTemplate.objects.usable_by(self.actor).filter(kind=MessageTemplate.Kind.EMAIL)
        self.fields["template"].queryset = usable.by_name()  # type: ignore[attr-defined]
        self.fields["body"].help_text = FIELDS_HELP

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        template = data.get("template")
        wanted = {"subject": "Give it a subject.", "body": "Write the e-mail first, or choose a template."}
        for name, words in wanted.items():
            written = data.get(name) or ""
            if template and not (data.get("subject") or data.get("body")):
                continue
            if not written and name not in self.errors:
                self.add_error(name, words)
            elif problem := problem_of(written):
                self.add_error(name, problem)
        if template and not self.errors and not data["body"]:
            data |= {"subject": template.subject, "body": template.body}
        return data

    @property
    def params(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("subject", "body")}


class EmailMany(MassVerb):
    code = "email"
    label = "E-mail"
    doing = "E-mail"
    done = "E-mailed"
    form = EmailForm
    level = Level.WORK
    reasons = {**WORDS, "same_address": "The same address as another of these leads, which gets the e-mail"}
    irrevocable = "This cannot be undone: what is sent is sent. It can be cancelled while it runs."

    def skips(self, act: Act) -> Sequence[Skip]:
        return [Skip(code, when) for code, when in shut(act.actor.company)]

    def fixed(self, act: Act) -> None:
        """An address gets one e-mail, by the first of the leads that have it."""
        with connection.cursor() as cursor:
            cursor.execute(AGAIN, [act.batch.pk, act.batch.pk])

    def parts(self, act: Act) -> dict[str, Any]:
        return {"email": Value("")}  # nothing of the lead changes: `touched` says what was done

    def touched(self, act: Act, lead_ids: Collection[int]) -> Collection[int]:
        return lead_ids

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        leads = list(self._read(Lead.objects.filter(pk__any_of={*lead_ids})))
        lines = Activity.objects.bulk_create([self._line(act, lead) for lead in leads])
        Mail.objects.bulk_create(
            Mail(
                company_id=lead.company_id,
                activity=line,
                sender=sender_of(lead, act.actor),
                to=vars(lead)["address"],
                bulk=True,
            )
            for lead, line in zip(leads, lines, strict=True)
        )
        signals.worked_in_mass.send(sender=Lead, lead_ids=lead_ids, actor=act.actor, act=Activity.Kind.EMAIL.value)
        post_soon()

    def _read(self, leads: LeadQuerySet) -> LeadQuerySet:
        read = leads.select_related("stage", "source", "agent", "company").order_by("pk")
        return read.annotate(address=Subquery(ADDRESS.values("value")[:1]))

    def _line(self, act: Act, lead: Lead) -> Activity:
        subject, body = self._words(act, lead)
        return Activity(
            company_id=lead.company_id,
            lead=lead,
            kind=Activity.Kind.EMAIL,
            actor=act.actor,
            direction=Activity.Direction.OUT,
            outcome=Activity.Delivery.SENDING,
            body=joined(subject, body),
            bulk=True,
        )

    def _words(self, act: Act, lead: Lead) -> tuple[str, str]:
        return filled(act.params["subject"], act.params["body"], lead, sender_of(lead, act.actor))

    def words(self, act: Act) -> str:
        return f"E-mail “{act.params['subject']}”"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        """Its address, and how the e-mail begins for it."""
        found = []
        for lead in self._read(leads):
            subject, body = self._words(act, lead)
            found.append((lead, vars(lead)["address"], f"{subject}: {body}"[:SHOWN]))
        return found
