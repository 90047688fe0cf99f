"""Forms of the admin: rows of one company, two who edit at once, and what a service refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from crm.core.lines import one_line
from crm.organization.models import User
from crm.organization.services import LastOwnerError
from permissions.profiles.services import RefusedError

MEANWHILE = "Somebody changed this meanwhile. What you typed is kept; save again to replace theirs."
ELSEWHERE = "Nothing is saved yet: see below."
TAKEN = "This name is taken already."


class Refusal(Exception):
    """A service said no while a page was saved. The page is shown again, with `text` beside the field of that form."""

    def __init__(self, text: str, prefix: str | None = None, field: str | None = None) -> None:
        super().__init__(text)
        self.text, self.prefix, self.field = text, prefix, field


@contextmanager
def refusing(form: forms.BaseForm, field: str | None = None) -> Iterator[None]:
    """Where services are called on saving `form`: what they refuse becomes an error of it, and nothing is saved."""
    try:
        yield
    except ValidationError as error:
        raise Refusal(" ".join(error.messages), form.prefix, field) from error
    except (RefusedError, LastOwnerError) as error:
        raise Refusal(str(error), form.prefix, field) from error


class SeenField(forms.CharField):
    """What the form showed when it was opened, for its eyes only."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[M] at run time
    """A form for a row of the company of `actor`. Constraints that name `also_checked` are checked before saving too."""

    also_checked: ClassVar[frozenset[str]] = frozenset({"company"})
    actor: ClassVar[User]
    refusal: ClassVar[Refusal | None] = None
    seen = SeenField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"name", "label"} & self.fields.keys():
            self.fields[name].validators.append(one_line)
        if not self.instance._state.adding:
            self.initial["seen"] = self._shown()
        elif hasattr(self.instance, "company_id"):
            self.instance.company_id = self.actor.company_id

    def _shown(self) -> str:
        values = forms.model_to_dict(self.instance, [name for name in self.fields if name != "seen"])
        return sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]

    def clean(self) -> None:
        super().clean()
        seen, shown = self.cleaned_data.get("seen"), self.initial.get("seen")
        if self.refusal is not None:
            self._refuse(self.refusal)
        elif seen and shown and seen != shown:
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data[self.add_prefix("seen")] = shown  # type: ignore[index]
            self.add_error(None, MEANWHILE)

    def _refuse(self, refusal: Refusal) -> None:
        """The form of the page always, so that it is not saved; the form of a row where it is the one that is meant."""
        if refusal.prefix == self.prefix:
            self.add_error(refusal.field if refusal.field in self.fields else None, refusal.text)
        elif self.prefix is None:
            self.add_error(None, ELSEWHERE)

    def _update_errors(self, errors: ValidationError) -> None:
        """A name that is taken is said beside the name, without naming a constraint."""
        found: dict[str, list[ValidationError]] = errors.update_error_dict({})
        whole = found.get(NON_FIELD_ERRORS, [])
        taken = [error for error in whole if "_name_unique" in str(error.message)] if "name" in self.fields else []
        if taken:
            found[NON_FIELD_ERRORS] = [error for error in whole if error not in taken]
            found["name"] = [*found.get("name", []), ValidationError(TAKEN)]
        super()._update_errors(ValidationError(found))  # type: ignore[misc]

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - self.also_checked


class CompanyFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """Rows of an inline: the ids it takes are those it shows, or it would tell which others there are."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        pk: Any = form.fields[self._pk_field.name]  # type: ignore[attr-defined]
        pk.queryset = self.get_queryset()
