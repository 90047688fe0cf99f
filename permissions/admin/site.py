"""The admin at /admin/: for managers of a company whose profile opens one of its pages. Nobody is a superuser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.urls.resolvers import URLResolver
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache

from crm.core.doors import Door, door
from crm.organization.models import User
from crm.organization.people import signed_in
from permissions.backend import permissions_of
from permissions.catalog import Permission
from permissions.profiles.services import manages_company

View = Callable[..., HttpResponseBase]
READ = ("GET", "HEAD")
METHODS = (*READ, "POST")
NOT_OFFERED = {"_popup", "_to_field", "_saveasnew"}  # windows and copies that no page of ours asks for


@dataclass(frozen=True)
class Page:
    """A page that is not the list of a model. One without a label is part of another and not listed."""

    path: str
    view: View
    name: str
    label: str
    verb: Permission
    words: str
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """A page of the product outside the admin that belongs to it."""

    name: str
    label: str
    verb: Permission
    words: str


@dataclass(frozen=True)
class Entry:
    """A line of the index: what the page is called, where it is, what it is for."""

    label: str
    url: str
    words: str
    verb: Permission


class Site(AdminSite):
    site_title = site_header = index_title = "Admin"
    site_url = None
    empty_value_display = "–"
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")
        self._pages: list[Page] = []
        self._links: list[Link] = []

    def add_page(
        self,
        path: str,
        view: View,
        *,
        name: str,
        verb: Permission,
        label: str = "",
        words: str = "",
        methods: tuple[str, ...] = METHODS,
    ) -> None:
        """A page at /admin/`path`, called `admin:name`, for those with `verb`; with a `label` the index lists it."""
        self._pages.append(Page(path, view, name, label, verb, words, methods))

    def _models(self) -> list[tuple[type[Model], Any]]:
        """Each registered model and its CompanyAdmin."""
        return list(self._registry.items())

    # --- Who may --------------------------------------------------------------------------------------------------

    def verbs(self) -> frozenset[str]:
        """Those that open a page."""
        return frozenset([*(pages.verb for _, pages in self._models()), *(page.verb for page in self._pages)])

    def has_permission(self, request: Any) -> bool:
        """Whether she may enter, asked once per request."""
        if not hasattr(request, "may_administer"):
            request.may_administer = self.lets_in(request)
        return bool(request.may_administer)

    def lets_in(self, request: HttpRequest) -> bool:
        """Whether she may enter now. The database is asked only for those with a verb."""
        user = request.user
        if not isinstance(user, User) or not user.is_active or self.verbs().isdisjoint(permissions_of(user)):
            return False
        return manages_company(user)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Strangers have been sent to sign in by the door's middleware."""

        @never_cache
        @wraps(view)
        def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                raise PermissionDenied("The admin pages are for managers of the company.")
            if NOT_OFFERED & {*request.GET, *request.POST} or any("\x00" in one for one in request.GET.values()):
                raise Http404
            found: HttpResponseBase = view(request, *args, **kwargs)
            return found

        return entered

    def add_link(self, name: str, *, label: str, verb: Permission, words: str) -> None:
        """A page called `name` that stands elsewhere, listed on the index."""
        self._links.append(Link(name, label, verb, words))

    # --- Where it is ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        """Sign-in, sign-out and passwords have pages of their own, and are not offered here."""
        patterns: list[Any] = [path("", door()(self.admin_view(self.index)), name="index")]
        for page in self._pages:
            view = door(*page.methods, verb=page.verb)(self.admin_view(page.view))
            patterns.append(path(page.path, view, name=page.name))
        for model, pages in self._models():
            where = f"{model._meta.app_label}/{model._meta.model_name}/"
            patterns.append(path(where, (pages.urls, None, None)))
        assert all(isinstance(getattr(one.callback, "door", None), Door) for one in _flat(patterns))
        return patterns

    def entries(self, request: HttpRequest) -> list[Entry]:
        """The pages she may open, in the order in which they were added: models, links, pages."""
        held = permissions_of(signed_in(request))
        return [entry for entry in self._all_entries() if entry.verb in held]

    def _all_entries(self) -> Iterator[Entry]:
        for model, pages in self._models():
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            label = str(capfirst(model._meta.verbose_name_plural))
            yield Entry(label, url, pages.words, pages.verb)
        for link in self._links:
            yield Entry(link.label, reverse(link.name), link.words, link.verb)
        for page in self._pages:
            if page.label:
                yield Entry(page.label, reverse(f"admin:{page.name}"), page.words, page.verb)

    def each_context(self, request: Any) -> dict[str, Any]:
        return {"entries": self.entries(request), "is_popup": False}

    def get_app_list(self, request: Any, app_label: str | None = None) -> list[Any]:
        """Django's own list; ours is `entries`."""
        return []

    def get_log_entries(self, request: Any) -> QuerySet[LogEntry]:
        return LogEntry.objects.filter(user__company=signed_in(request).company_id)


def _flat(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for one in patterns:
        if isinstance(one, URLPattern):
            yield one
        else:
            yield from _flat(one.url_patterns)


site = Site()
