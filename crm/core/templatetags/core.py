"""Small things every template needs: icons, initials, times as people say them, and what the browser remembers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zlib import crc32

from django import template
from django.forms import BoundField
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

register = template.Library()

HUES = 6
TONES = {"success": "good", "warning": "warn", "error": "bad", "debug": "neutral"}
DRAWN_BY_CSS = re.compile(r' (fill="none"|stroke="currentColor"|stroke-[a-z]+="\w+"|(?=/>))|\s*\n\s*')
URGENT = timedelta(minutes=5)
REMEMBERED = {"theme": {"light", "dark"}, "density": {"compact"}, "rail": {"narrow"}}


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: int = 16) -> SafeString:
    """A Lucide icon as inline SVG, for sight only: its neighbour says what it means. Drawn once per process and size."""
    return SafeString(DRAWN_BY_CSS.sub("", lucide(name, size=size, aria_hidden="true", **{"class": "icon"})))


@register.simple_tag(takes_context=True)
def appearance(context: Context) -> SafeString:
    """Theme, density and rail of this browser as data attributes of `<html>`, so that the first paint is right."""
    request = context.get("request")
    cookies = request.COOKIES if request else {}
    chosen = ((name, cookies.get(name, "")) for name in REMEMBERED)
    return SafeString(" ".join(f'data-{name}="{value}"' for name, value in chosen if value in REMEMBERED[name]))


@register.simple_tag(takes_context=True)
def remembered(context: Context, name: str) -> str:
    """The browser's choice of `theme`, `density` or `rail`; empty where it has made none."""
    request = context.get("request")
    value = request.COOKIES.get(name, "") if request else ""
    return value if value in REMEMBERED[name] else ""


@register.simple_tag(takes_context=True)
def current(context: Context, url: str, also: str = "") -> SafeString:
    """`aria-current` where the page shown is at `url` (page), or below it or one of `also` (true)."""
    request = context.get("request")
    path = request.path if request else ""
    if path == url:
        return SafeString('aria-current="page"')
    below = any(root not in ("", "/") and path.startswith(root.rstrip("/") + "/") for root in (url, *also.split()))
    return SafeString('aria-current="true"' if below else "")


@register.filter
def tone(level: object) -> str:
    """The tone of a message level or an outcome: `success` is good, `warning` is warn, `error` is bad."""
    return TONES.get(str(level), "info")


@register.filter
def focused(field: BoundField) -> BoundField:
    """The field, which has the focus when a fresh form opens; a refused one is read from its top."""
    if not field.form.is_bound:
        field.field.widget.attrs["autofocus"] = True
    return field


@register.filter
def ahead(moment: datetime | None) -> datetime | None:
    """The moment, where it is still to come."""
    return moment if moment and moment > timezone.now() else None


@register.filter
def initials(name: object) -> str:
    """Up to two letters for an avatar: of the first and the last word."""
    words = [word for word in str(name).split() if word[:1].isalnum()]
    return "".join(word[0] for word in dict.fromkeys(words[:1] + words[-1:])).upper()[:2]


@register.filter
def hue(name: object) -> int:
    """Which of the six quiet colours stands for this name: always the same one."""
    return crc32(str(name).encode()) % HUES + 1


@register.filter
def dated(moment: datetime, pattern: str = "D, M j, g:i A", now: datetime | None = None) -> str:
    """A moment where the reader is, with the year behind the day if it is not this one."""
    here, today = timezone.localtime(moment), timezone.localtime(now)
    return date_format(here, pattern if here.year == today.year else pattern.replace("M j", "M j, Y"))


def spoken(moment: datetime, now: datetime) -> str:
    """A moment as people say it: `now`, `5 min ago`, `in 3 h`, `2 d ago`; the date where it is more than a week away."""
    away = abs(now - moment)
    if away < timedelta(minutes=1):
        return "now"
    if away < timedelta(hours=1):
        words = f"{away // timedelta(minutes=1)} min"
    elif away < timedelta(days=1):
        words = f"{away // timedelta(hours=1)} h"
    elif away < timedelta(days=7):
        words = f"{away.days} d"
    else:
        return dated(moment, "M j", now)
    return f"{words} ago" if moment < now else f"in {words}"


def clock(left: timedelta) -> str:
    """Time left as static/js/countdown.js writes it: `4:05`, `3 h 20 min`, `2 d 4 h`."""
    seconds = max(0, int(left.total_seconds()))
    minutes, hours = seconds // 60, seconds // 3600
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes}:{seconds % 60:02d}"


@register.simple_tag
def when(moment: datetime | None, empty: str = "–") -> SafeString | str:
    """A moment in words, with the full date in the reader's zone for whoever points at it."""
    if moment is None:
        return empty
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="minutes").replace("+00:00", "Z"),
        date_format(timezone.localtime(moment), "D, M j, Y, g:i A"),
        spoken(moment, timezone.now()),
    )


@register.simple_tag
def countdown(deadline: datetime) -> SafeString:
    """Time left to `deadline`, kept going by countdown.js, which learns the server's clock from it."""
    now = timezone.now()
    left = deadline - now
    state = " is-due" if left <= timedelta(0) else " is-urgent" if left < URGENT else ""
    return format_html(
        '<time class="countdown{}" data-deadline="{}" data-now="{}" title="Until {}">'
        '<span class="dot"></span><span data-left>{}</span></time>',
        state,
        deadline.isoformat(timespec="milliseconds"),
        now.isoformat(timespec="milliseconds"),
        date_format(timezone.localtime(deadline), "D g:i A"),
        clock(left),
    )
