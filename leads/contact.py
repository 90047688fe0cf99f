"""Contact points in one shape: phones in E.164, e-mails in lower case."""

from __future__ import annotations

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

DIGITS = re.compile(r"\D+")


class UnreadableContactError(ValueError):
    """A phone or e-mail that cannot be one."""


def read_phone(text: str, region: str) -> str:
    """The E.164 form of a phone as people write it; `region` (ISO country) is assumed where no + is given."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise UnreadableContactError(f"“{text}” is not a phone number.") from error
    if not phonenumbers.is_possible_number(number):
        raise UnreadableContactError(f"“{text}” is not a possible phone number.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def read_email(text: str) -> str:
    """The lower-case form of an e-mail address."""
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise UnreadableContactError(f"“{text}” is not an e-mail address.") from error
    return address


def show_phone(value: str, region: str) -> str:
    """A phone as people of `region` read it: national at home, international from elsewhere."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    home = phonenumbers.region_code_for_number(number) == region
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def digits_of(text: str) -> str:
    """Only the digits of a text."""
    return DIGITS.sub("", text)
