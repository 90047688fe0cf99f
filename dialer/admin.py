"""Dispositions in the admin (D10)."""

from __future__ import annotations

from django.contrib.admin import display, register
from django.utils.text import capfirst

from dialer.models import Disposition
from permissions.admin.base import CompanyAdmin
from permissions.admin.forms import CompanyForm
from permissions.admin.site import site
from permissions.catalog import Permission

FLAGS = ("contact_made", "sale", "not_interested", "do_not_call", "callback", "final")


class DispositionForm(CompanyForm):
    class Meta:
        help_texts = {
            "position": "The number, 1 to 9, that gives it while one talks. Empty: it is clicked.",
            "contact_made": "Somebody was spoken with.",
            "do_not_call": "Puts the lead’s number on the company’s list. It is final.",
            "callback": "The agent says when to call again.",
            "final": "The campaign is done with the lead.",
            "recycle_after": "For all that is neither final nor a callback. A campaign may say otherwise.",
            "archived": "It cannot be given any more, and its key is free. What was said of past calls stays.",
        }


@register(Disposition, site=site)
class DispositionAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = "What can come of a call, by number keys, and what follows: a callback, another try, or never again."
    form = DispositionForm
    fields = ("name", "position", *FLAGS, "recycle_after", "archived")
    list_display = ("name", "position", "says", "recycle_after", "state")
    list_filter = ("archived",)
    search_fields = ("name",)
    ordering = ("archived", "position", "name", "pk")

    @display(description="Says")
    def says(self, one: Disposition) -> str:
        fields = [one._meta.get_field(name) for name in FLAGS if getattr(one, name)]
        return capfirst(", ".join(str(getattr(field, "verbose_name", "")) for field in fields))

    @display(description="State")
    def state(self, one: Disposition) -> str:
        return "Archived" if one.archived else "In use"
