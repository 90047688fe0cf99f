"""From the figures of a report to the leads behind them (A3)."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from leads.models import Lead
from routing.models import Offer, RosterMember
from tests.factories.scenes import Brokerage
from tests.routing.reporting import contact, made, page
from tests.routing.scenes import lakeside, offered

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


# --- The lists behind -------------------------------------------------------------------------------------------------

LINK = re.compile(r'<a href="(/people/\?offers=[^"]+)">([\d,]+)</a>')


def links_of(shown: str) -> list[tuple[str, int]]:
    return [(unescape(url), int(count.replace(",", ""))) for url, count in LINK.findall(shown)]


def listed(client: Client, url: str) -> int:
    found = re.search(r'class="count">([\d,]+)', client.get(url).content.decode())
    assert found
    return int(found[1])


def test_a3_every_count_leads_to_as_many_leads(client: Client, harbor: Brokerage) -> None:
    for agent, unit in ((harbor.ana, harbor.lakeside), (harbor.ben, harbor.lakeside), (harbor.dee, harbor.hilltop)):
        for ends in ("claimed", "claimed", "expired", "declined", "withdrawn", "open"):
            made(agent, unit, ends=ends, source="Zillow")
    for query in ({}, {"unit": harbor.lakeside.pk}, {"agent": "Ana"}, {"by": "source"}, {"by": "agent"}):
        for name in ("speed", "claims"):
            found = links_of(page(client, harbor.north_admin, name, **query))
            assert found
            assert [count for _, count in found] == [listed(client, url) for url, _ in found]


def test_a3_steps_lead_to_the_leads_that_took_them(client: Client, harbor: Brokerage) -> None:
    contact(made(harbor.ana, harbor.lakeside, seen=1), 5)
    made(harbor.ana, harbor.lakeside, ends="expired")
    shown = page(client, harbor.lead)
    for what, count in (("offered", 2), ("seen", 1), ("contacted", 1), ("claimed", 1)):
        found = re.search(rf'"(/people/\?offers={what}\.[^"]+)"', shown)
        assert found
        assert listed(client, unescape(found[1])) == count


def test_a3_turns_and_skips_lead_to_their_leads(client: Client, harbor: Brokerage) -> None:
    for _ in range(3):
        offered(harbor.lakeside)
    RosterMember.objects.filter(user=harbor.ben).update(paused=True)
    skipped = offered(harbor.lakeside).lead
    found = dict(links_of(page(client, harbor.lead, "fairness")))
    assert sorted(found.values()) == [1, 1, 3]
    assert [count for url, count in found.items()] == [listed(client, url) for url in found]
    url = next(url for url in found if "=skipped" in url)
    assert skipped.name in client.get(url).content.decode()
    client.force_login(harbor.ben)
    assert listed(client, url) == 0  # he was skipped, and may not read it


def test_a3_a_list_says_what_it_is_and_keeps_it_among_other_filters(client: Client, harbor: Brokerage) -> None:
    made(harbor.ana, harbor.lakeside)
    url, _ = links_of(page(client, harbor.lead, "claims"))[0]
    shown = client.get(url).content.decode()
    assert "offered by Ana" in shown or "offered, " in shown
    form = client.get("/people/filters/", {"offers": url.partition("=")[2]}).content.decode()
    assert 'name="offers"' in form


def test_a3_a_list_says_how_many_leads_of_its_figure_it_leaves_out(client: Client, harbor: Brokerage) -> None:
    kept, gone = made(harbor.ana, harbor.lakeside), made(harbor.ana, harbor.lakeside)
    url, count = links_of(page(client, harbor.lead, "claims"))[0]
    assert "not listed" not in client.get(url).content.decode()
    Lead.objects.filter(pk=gone.lead_id).update(removed_at=timezone.now())
    shown = client.get(url).content.decode()
    assert (count, listed(client, url)) == (2, 1)
    assert "1 lead of this figure is not listed: removed since, or not yours to read any more." in shown
    assert kept.lead.name in shown


def test_v1_no_list_is_of_other_peoples_figures(client: Client, harbor: Brokerage) -> None:
    """She may read both leads, and yet not learn by a filter whose offers they were."""
    mine = made(harbor.ana, harbor.lakeside, ends="claimed")
    client.force_login(harbor.ana)
    ever = "0-4000000000"
    assert listed(client, f"/people/?offers=offered.{ever}") == 1
    assert listed(client, f"/people/?offers=offered.at{harbor.lakeside.pk}.to{harbor.ana.pk}.{ever}") == 1
    for asked in (
        f"offered.to{harbor.ben.pk}.{ever}",
        f"offered.to{harbor.ana.pk}-{harbor.ben.pk}.{ever}",
        f"offered.at{harbor.hilltop.pk}.{ever}",
        "offered.to999999.0-1",
        f"stolen.{ever}",
        "offered.0-99999999999",
        "x",
    ):
        assert listed(client, f"/people/?offers={asked}") == 0
    Offer.objects.filter(pk=mine.pk).update(user=harbor.ben)
    assert listed(client, f"/people/?offers=offered.{ever}") == 0
