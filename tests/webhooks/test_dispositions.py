"""I5: a disposition is told of, for none is set but on a call attempt, whose trigger tells."""

from __future__ import annotations

import pytest
from django.apps import apps

from crm.webhooks.models import Event, Webhook, WebhookEvent
from dialer.models import CallAttempt, Disposition
from dialer.services.loading import load
from dialer.services.on_call import Said, dial, dispose
from dialer.services.serving import next_lead
from dialer.services.sessions import NotNowError
from tests.dialer.hoppers import at_work, make_leads
from tests.factories.campaigns import make_campaign
from tests.factories.scenes import Brokerage

SETTINGS = {"CampaignDisposition.disposition", "Automation.disposition"}  # of which dispositions something is about


def test_i5_only_call_attempts_have_a_disposition() -> None:
    holders = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.concrete and field.related_model is Disposition
    }
    assert holders - SETTINGS == {"CallAttempt.disposition"}


@pytest.mark.django_db
def test_i5_the_desk_sets_none_before_there_is_an_attempt_and_tells_of_each(harbor: Brokerage) -> None:
    values = {"company": harbor.company, "user": harbor.broker, "secret": "whsec_AAAA", "url": "https://a.example/"}
    Webhook.objects.create(name="All", events=Event.values, **values)
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    [session] = at_work(make_campaign(harbor.lakeside), harbor.ana)
    load(session.campaign_id)
    assert next_lead(session) == lead.pk
    session.refresh_from_db()
    said = Said(Disposition.objects.get(company=harbor.company, name="Talked"))
    with pytest.raises(NotNowError):
        dispose(session=session, said=said)
    told = WebhookEvent.objects.filter(kind=Event.DISPOSITION)
    assert not told.exists()
    dial(session=session, number=lead.contact_points.get().value)
    session.refresh_from_db()
    dispose(session=session, said=said)
    assert told.get().fact_id == CallAttempt.objects.get().pk
