"""Where somebody may be, by her number and her postal code: reference tables, and what they say of each lead (D14).

`dialer.services.zones` fills the tables out of libraries; triggers keep `Dialing` true under every write.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leads.models import Lead

UNKNOWN = 0  # the set of no zones: nothing says where


class ZoneSet(models.Model):
    """IANA time zones in one of which somebody is."""

    id = models.SmallIntegerField(primary_key=True)
    zones = ArrayField(models.CharField(max_length=64))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zones"], name="zone_set_once")]

    def __str__(self) -> str:
        return ", ".join(self.zones)


class AreaZone(models.Model):
    """The zones of numbers that begin with `prefix`, its country's code first; the longest that fits is right.

    `deeper`: an area code of North America within which longer ones say more; without it that is all there is to look up.
    """

    prefix = models.CharField(max_length=12, primary_key=True)
    deeper = models.BooleanField(default=False, db_default=False)
    zone_set = models.ForeignKey(ZoneSet, models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return self.prefix


class PostalZone(models.Model):
    """The zones and the state of postal codes of the United States that begin with `prefix`; the longest is right."""

    prefix = models.CharField(max_length=5, primary_key=True)
    zone_set = models.ForeignKey(ZoneSet, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=2)

    def __str__(self) -> str:
        return self.prefix


class ZoneSource(models.Model):
    """Which versions of the libraries the tables were filled from."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    versions = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.versions


class Dialing(models.Model):
    """The number by which a lead is dialed, its first one, and where the lead may be: all that its gates ask of it.

    `by_number` and `by_place` are ZoneSets, equal where only one is known or somebody set the lead's zone by hand.
    """

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="dialing", db_constraint=False)
    number = models.CharField(max_length=254)
    state = models.CharField(max_length=2)
    by_number = models.SmallIntegerField()
    by_place = models.SmallIntegerField()

    def __str__(self) -> str:
        return f"{self.lead_id}"
