"""The surface of the agent desktop: the lead before her, which is hers to work as long as it is."""

from __future__ import annotations

from crm.organization.models import Unit
from dialer.models import AgentSession, Campaign
from tests.factories.marks import Told, told
from tests.properties.details import BASE
from tests.properties.surfaces import Visit, surface


def has_it(visit: Visit) -> bool:
    """Half the time it is before her, else before a colleague."""
    return visit.turn % 2 == 0 and visit.lead.company == visit.world.people[visit.person].company


@surface("desk", expects=lambda visit: {visit.number: "view"} if has_it(visit) and not visit.lead.removed else {})
def desk(visit: Visit) -> Told:
    unit = Unit.objects.filter(company=visit.user.company).order_by("pk")[0]
    owned = {"company": unit.company, "campaign": Campaign.objects.create(company=unit.company, unit=unit, name="Told")}
    colleagues = [user for user in visit.built.users if user.company_id == unit.company_id and user != visit.user]
    agents = [visit.user] if has_it(visit) else colleagues[:1]
    for agent in agents:
        state = AgentSession.State.ON_CALL
        AgentSession.objects.create(user=agent, lead_id=BASE + visit.number, state=state, **owned)
    return told(visit.get("desk", htmx=bool(visit.turn % 3)))
