"""What a person does with her webhooks (I5)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from crm.organization.models import User
from crm.webhooks.models import TEST, Webhook, WebhookDelivery
from crm.webhooks.signing import new_secret
from permissions.catalog import Permission
from permissions.profiles.services import manages_company

State, Off = WebhookDelivery.State, Webhook.Off
MOST = 10  # of one person
OLD_SECRET_LASTS = timedelta(hours=24)
DELIVERED_KEPT, OTHERS_KEPT = timedelta(days=30), timedelta(days=90)
AT_ONCE = 5000
TROUBLE_FREE = {"failures": 0, "failing_since": None, "rests_until": None}


class TooManyError(Exception):
    """She has as many webhooks as one person may have."""


class NotOnError(Exception):
    """The webhook is off, or a test is on its way already."""


@transaction.atomic
def add(*, user: User, name: str, url: str, events: Collection[str]) -> Webhook:
    """A webhook of hers, with its secret. Raises TooManyError."""
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    if Webhook.objects.of(user).count() >= MOST:
        raise TooManyError
    values = {"company_id": user.company_id, "user": user, "secret": new_secret()}
    return Webhook.objects.create(name=name, url=url, events=sorted(events), **values)


def change(*, webhook: Webhook, name: str, url: str, events: Collection[str]) -> None:
    """What waits goes to the new address."""
    webhook.name, webhook.url, webhook.events, webhook.rests_until = name, url, sorted(events), None
    webhook.save(update_fields=["name", "url", "events", "rests_until"])


def switch_off(*, webhook: Webhook) -> None:
    Webhook.objects.filter(pk=webhook.pk, off=Off.NOT).update(off=Off.SWITCHED)


def switch_on(*, webhook: Webhook) -> bool:
    """What waits goes out. Whether it is on: what an admin switched off stays so until an admin says otherwise."""
    there = Webhook.objects.filter(pk=webhook.pk)
    there.exclude(off__in=(Off.NOT, Off.ADMIN)).update(off=Off.NOT, **TROUBLE_FREE)
    return there.filter(off=Off.NOT).exists()


def managed_by(actor: User) -> QuerySet[Webhook]:
    """Everybody's, for managers of the company who manage people."""
    allowed = actor.has_perm(Permission.MANAGE_USERS) and manages_company(actor)
    return Webhook.objects.filter(company=actor.company_id) if allowed else Webhook.objects.none()


def forbid(*, actor: User, webhooks: QuerySet[Webhook]) -> int:
    """Switch off until an admin says otherwise: how many. Raises PermissionDenied."""
    return _as_admin(actor, webhooks).exclude(off=Off.ADMIN).update(off=Off.ADMIN)


def allow(*, actor: User, webhooks: QuerySet[Webhook]) -> int:
    """Take that back: how many. Raises PermissionDenied."""
    return _as_admin(actor, webhooks).filter(off=Off.ADMIN).update(off=Off.NOT, **TROUBLE_FREE)


def _as_admin(actor: User, webhooks: QuerySet[Webhook]) -> QuerySet[Webhook]:
    if not actor.has_perm(Permission.MANAGE_USERS) or not manages_company(actor):
        raise PermissionDenied("Your profile does not include this.")
    return managed_by(actor).filter(pk__in=webhooks.order_by().values("pk"))


def new_secret_for(*, webhook: Webhook) -> str:
    """Its new secret. The one before signs beside it for a day."""
    made, until = new_secret(), Now() + OLD_SECRET_LASTS
    held = Webhook.objects.select_for_update(of=("self",), no_key=True)
    with transaction.atomic():
        before = held.get(pk=webhook.pk).secret
        Webhook.objects.filter(pk=webhook.pk).update(secret=made, old_secret=before, old_until=until)
    return made


def remove(*, webhook: Webhook) -> None:
    """With its deliveries: nothing goes there any more."""
    webhook.delete()


@transaction.atomic
def send_test(*, webhook: Webhook) -> None:
    """Send a message that is about no lead, before what waits. Raises NotOnError."""
    from crm.webhooks.tasks import tell_webhooks

    held = Webhook.objects.on().select_for_update(of=("self",), no_key=True).filter(pk=webhook.pk).first()
    if held is None or held.deliveries.filter(kind=TEST, state=State.WAITING).exists():
        raise NotOnError
    Webhook.objects.filter(pk=webhook.pk).update(rests_until=None)
    held.deliveries.create(kind=TEST, at=Now(), next_at=Now() - OTHERS_KEPT)
    tell_webhooks.queue()


@transaction.atomic
def replay(*, webhook: Webhook, deliveries: QuerySet[WebhookDelivery]) -> int:
    """Send these again from the first try on, under the same webhook-id: how many. Tests, and what waits, are left out."""
    from crm.webhooks.tasks import tell_webhooks

    over = deliveries.filter(webhook=webhook).exclude(kind=TEST).exclude(state=State.WAITING)
    ids = over.order_by().values("pk")
    count = (
        WebhookDelivery.objects.filter(pk__in=ids)
        .exclude(state=State.WAITING)
        .update(state=State.WAITING, tries=0, next_at=Now(), status=None, error="")
    )
    Webhook.objects.filter(pk=webhook.pk).update(rests_until=None)
    tell_webhooks.queue()
    return count


@transaction.atomic
def hasten(*, webhook: Webhook) -> None:
    """Send what waits now, and not when its turn comes."""
    from crm.webhooks.tasks import tell_webhooks

    Webhook.objects.filter(pk=webhook.pk).update(rests_until=None)
    webhook.deliveries.filter(state=State.WAITING, next_at__gt=Now()).update(next_at=Now())
    tell_webhooks.queue()


def forget_old() -> None:
    """Throw away what was delivered a month ago, and what nobody wanted replayed for three."""
    old = Q(state=State.DELIVERED, at__lt=Now() - DELIVERED_KEPT) | Q(at__lt=Now() - OTHERS_KEPT)
    found = WebhookDelivery.objects.filter(old).order_by("pk")[:AT_ONCE]
    while WebhookDelivery.objects.filter(pk__in=found.values("pk")).delete()[0]:
        continue
