"""Skills: which general leads each agent can take."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from dialer.models import LeadFilter
from dialer.services.skills import agents_of, give_skill
from dialer.views.filters import VERB
from routing.services.team import ChangedMeanwhileError, NotEligibleError

MOST = 200


class SkillForm(forms.Form):
    lead_filter = forms.ModelChoiceField(LeadFilter.objects.none(), required=False)
    seen = forms.IntegerField(min_value=0)

    def __init__(self, data: Any, *, filters: Any) -> None:
        super().__init__(data)
        self.fields["lead_filter"].queryset = filters  # type: ignore[attr-defined]


@door(verb=VERB)
@never_cache
def skills(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    people: list[Any] = list(agents_of(user).filter(name__icontains=text)[: MOST + 1])
    filters = list(LeadFilter.objects.can_be_chosen_by(user).order_by("name", "pk"))
    others = {one.skill for one in people} - {one.pk for one in filters}
    filters += LeadFilter.objects.of(user).filter(pk__in=[pk for pk in others if pk]).order_by("name", "pk")
    context = {"people": people[:MOST], "more": len(people) > MOST, "filters": filters, "q": text, "most": MOST}
    return render_page(request, "dialer/skills.html", context)


@door("POST", verb=VERB)
def give(request: HttpRequest, user_id: int) -> HttpResponse:
    user = signed_in(request)
    person = agents_of(user).filter(pk=user_id).first()
    if person is None:
        raise Http404
    form = SkillForm(request.POST, filters=LeadFilter.objects.of(user))
    if not form.is_valid():
        messages.error(request, "This filter can no longer be chosen.")
        return redirect("skills")
    chosen, seen = form.cleaned_data["lead_filter"], form.cleaned_data["seen"]
    try:
        if give_skill(actor=user, user_id=person.pk, lead_filter=chosen, seen=seen):
            messages.success(request, f"{person.name}: {chosen.name if chosen else 'no skills'}.")
    except ChangedMeanwhileError:
        messages.error(
            request, f"Somebody changed the skills of {person.name} meanwhile. Look at them as they are now."
        )
    except NotEligibleError:
        messages.error(request, "This filter can no longer be chosen.")
    return redirect("skills")
