"""The admin has one base class, and every page of it is walked with a second company beside ours."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.admin import ModelAdmin, RelatedFieldListFilter
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.sites import all_sites
from django.urls import get_resolver

from permissions.admin.base import CompanyAdmin, CompanyInline
from permissions.admin.filters import CompanyFilter
from permissions.admin.site import site
from tests.architecture.tree import PACKAGES
from tests.permissions.admin.walk import MAKE, REGISTERED


def ours(base: type) -> Iterator[type]:
    """The classes of our rooms below `base`."""
    for one in base.__subclasses__():
        if one.__module__.split(".")[0] in PACKAGES:
            yield one
        yield from ours(one)


def test_every_page_and_inline_is_of_the_one_base_class() -> None:
    assert [one for one in ours(ModelAdmin) if not issubclass(one, CompanyAdmin)] == []
    assert [one for one in ours(InlineModelAdmin) if not issubclass(one, CompanyInline)] == []
    assert [one for one in ours(RelatedFieldListFilter) if not issubclass(one, CompanyFilter)] == []
    for _, pages in REGISTERED:
        assert isinstance(pages, CompanyAdmin)
        assert all(issubclass(inline, CompanyInline) for inline in pages.inlines)
        assert pages.verb
        assert pages.words
        assert [*pages.autocomplete_fields, *pages.raw_id_fields, *pages.list_editable] == []  # these want scripts


def test_there_is_one_admin() -> None:
    assert list(all_sites) == [site]
    assert set(get_resolver().namespace_dict) == {"admin", "api"}
    assert list(site.actions) == []  # nothing is deleted by ticks


def test_every_page_is_walked() -> None:
    assert {model for model, _ in REGISTERED} <= set(MAKE)
