"""Dispositions (D10), calling rules and the do-not-call list (D14) in the admin."""

from __future__ import annotations

from django.contrib.admin import display, register
from django.utils.text import capfirst

from dialer.models import Disposition
from dialer.views import do_not_call, hours
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


site.add_page(
    "calling-hours/",
    hours.hours,
    name="calling_hours",
    verb=Permission.MANAGE_POLICY,
    label="Calling rules",
    words="When leads may be called, by state and day, and what needs their consent; every version that ever held.",
)
site.add_page(
    "do-not-call/",
    do_not_call.do_not_call,
    name="do_not_call",
    verb=Permission.MANAGE_POLICY,
    label="Do not call",
    words="Numbers that nobody calls or texts: look one up, add one, bring a registry’s file.",
)
site.add_page("do-not-call/<int:number_id>/", do_not_call.remove, name="do_not_call_one", verb=Permission.MANAGE_POLICY)
site.add_page(
    "do-not-call/files/<int:file_id>/rejected/",
    do_not_call.rejects,
    name="do_not_call_rejects",
    verb=Permission.MANAGE_POLICY,
    methods=("GET", "HEAD"),
)
