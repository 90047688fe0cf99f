"""Children of a lead have its company without a constraint that says so: each way of making one takes it from the lead."""

from __future__ import annotations

import pytest
from django.db.models import F

from crm.organization.models import Unit
from leads.models import Activity, Assignment, Consent, ContactPoint, Lead, LeadSearch
from leads.services.consenting import record_consent
from leads.services.creating import NewLead, create_lead
from leads.services.working import log_activity
from permissions.keyring import load_keyring
from tests.factories.scenes import brokerage, stranger
from tests.leads.imports.files import bring, people

pytestmark = pytest.mark.django_db


def test_v3_children_have_the_company_of_their_lead() -> None:
    for actor in (brokerage().broker, stranger()):
        unit = Unit.objects.get(company=actor.company, kind="company")
        new = NewLead({"first_name": "Maya"}, phones=["201-555-0123"], emails=["maya@mail.example"])
        lead = create_lead(actor=actor, owner=unit, new=new)
        log_activity(keyring=load_keyring(actor), actor=actor, lead=lead, kind=Activity.Kind.CALL, outcome="reached")
        record_consent(keyring=load_keyring(actor), actor=actor, lead=lead, kind="text", given=True)
        bring(actor, unit, people([1, 2]), route=True)
    assert Lead.objects.values("company").distinct().count() == 2
    for model in (ContactPoint, LeadSearch, Assignment, Activity, Consent):
        assert model._default_manager.values("company").distinct().count() == 2
        assert not model._default_manager.exclude(company=F("lead__company")).exists()
