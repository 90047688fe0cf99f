"""The component gallery: every primitive in every state and each page layout, on samples. Staff only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crm.core.doors import door

PARTS = {
    "primitives": "Primitives",
    "forms": "Forms",
    "overlays": "Overlays",
    "people": "People",
    "lead": "Lead",
    "today": "Today",
    "team": "Team",
    "import": "Import",
}


@dataclass(frozen=True)
class Person:
    name: str
    stage: str
    tone: str
    owner: str
    kind: str
    assigned: str
    source: str
    minutes: int  # since the last activity
    score: int

    @property
    def active(self) -> datetime:
        return timezone.now() - timedelta(minutes=self.minutes)


PEOPLE = [
    Person("Maya Okafor", "New", "info", "Lakeside", "team", "Ana Ruiz", "Zillow", 4, 92),
    Person("Jonas Lindqvist", "Contacted", "warn", "Lakeside", "team", "Ben Carter", "Website", 38, 81),
    Person("Priya Raman", "Appointment", "good", "Ana Ruiz", "person", "Ana Ruiz", "Referral", 95, 77),
    Person("Theodore Whitfield-Montgomery III", "New", "info", "North", "office", "", "Realtor.com", 180, 64),
    Person("Carmen Díaz", "Under contract", "good", "Harbor Realty", "company", "Cal Young", "Open house", 1500, 88),
    Person("Sam", "Contacted", "warn", "Dee Marsh", "person", "", "", 2900, 45),
    Person("Lena Fischer", "Lost", "bad", "Lakeside", "team", "Ben Carter", "Import", 30000, 12),
]
ROSTER = [
    ("Ana Ruiz", "good", "Taking leads", 36),
    ("Ben Carter", "good", "Taking leads", 31),
    ("Cal Young", "warn", "Paused", 33),
]
COLUMNS = [
    ("first_name", "James, Josephine", "First name"),
    ("phone1", "504-621-8927, 810-292-9388", "Phone"),
    ("county", "Orleans, Livingston", "Custom field"),
]


class SampleForm(forms.Form):
    name = forms.CharField(help_text="As she would sign a letter.")
    email = forms.EmailField(label="E-mail", required=False)
    owner = forms.ChoiceField(choices=[("me", "Ana Ruiz"), ("lakeside", "Lakeside"), ("company", "Harbor Realty")])
    window = forms.IntegerField(label="Claim window (minutes)", min_value=1, max_value=1440)
    notes = forms.CharField(widget=forms.Textarea, required=False)
    file = forms.FileField(label="File", required=False)
    route = forms.BooleanField(required=False, help_text="The roster of the owning unit takes turns.")
    duplicates = forms.ChoiceField(
        widget=forms.RadioSelect, choices=[("skip", "Skip them"), ("create", "Create them all the same")]
    )

    def clean(self) -> dict[str, Any] | None:
        raise forms.ValidationError("Two things need your attention. Nothing was saved, and nothing you typed is lost.")


def samples() -> dict[str, Any]:
    now = timezone.now()
    typed = {"name": "", "email": "maya@", "owner": "me", "window": "0", "duplicates": "skip"}
    return {
        "people": PEOPLE,
        "moments": [now - timedelta(minutes=minutes) for minutes in (0, 12, 200, 3000, 90000)],
        "deadlines": [now + timedelta(seconds=seconds) for seconds in (3550, 272, 58, -5, 40000, 200000)],
        "form": SampleForm(),
        "refused": SampleForm(typed, auto_id="refused_%s"),
        "roster": ROSTER,
        "columns": COLUMNS,
    }


@door(staff=True)
def gallery(request: HttpRequest) -> HttpResponse:
    part = request.GET.get("part", "primitives")
    if part not in PARTS:
        raise Http404
    context = {"part": part, "parts": PARTS, "title": PARTS[part], "template": f"core/gallery/{part}.html", **samples()}
    return render(request, "core/gallery.html", context)
