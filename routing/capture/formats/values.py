"""Prices, moments, days, phones and kinds, as people and vendors write them. None, or nothing, where they are not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

from routing.capture.formats.text import squeeze

AMOUNT = re.compile(r"(\d[\d.,  ]*)\s*(k|thousand|m|mm|mil|million)?(?![a-z\d])", re.IGNORECASE | re.ASCII)
EXPONENT = re.compile(r"\d+(\.\d+)?e[+-]?\d{1,3}", re.IGNORECASE | re.ASCII)
TIMES = {"k": 1_000, "t": 1_000, "m": 1_000_000}
AT_MOST = re.compile(r"\b(under|below|up to|upto|less than|max|maximum|no more than)\b|^\s*<|[<≤]", re.IGNORECASE)
AT_LEAST = re.compile(r"\b(over|above|from|more than|at least|min|minimum|starting)\b|\+\s*$|[>≥]", re.IGNORECASE)
LARGEST_PRICE = 2**62
LONGEST_PRICE = 80  # characters; more is a sentence

MOMENT = re.compile(
    r"(?P<y>\d{4})[-/.]?(?P<mo>\d{1,2})[-/.]?(?P<d>\d{1,2})"
    r"(?:[T ]+(?P<h>\d{1,2}):?(?P<mi>\d{2})(?::?(?P<s>\d{1,2})(?:[.,]\d+)?)?\s*(?P<half>[AP]M)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{1,2}(?::?\d{0,2}))?)?",
    re.IGNORECASE | re.ASCII,
)
AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)", re.ASCII | re.DOTALL)
EPOCH = re.compile(r"(\d{9,10})(\d{3})?(?:\.\d+)?", re.ASCII)
YEARS = range(1990, 2101)

EMAIL = re.compile(r"[^\s@<>()\[\]\",;:]+@[^\s@<>()\[\]\",;:]+\.[^\s@<>()\[\]\",;:]+")
PHONE = re.compile(r"(?:tel:)?([\s+()\d./–-]*)(?:(?:,|;|x|ext|extension|#)\.?:?\s*\d{1,7})?", re.IGNORECASE | re.ASCII)
APART = re.compile(r"[;,|\n/]|\s&\s|\bor\b|\band\b", re.IGNORECASE)
LONGEST_CONTACT = 254
LONGEST_EMAILS = 2_000  # characters; more is a text that mentions some

KINDS = {
    **dict.fromkeys(("buyer", "buy", "buying", "purchase", "tobuy", "forsale", "homebuyer"), "buyer"),
    **dict.fromkeys(("seller", "sell", "selling", "tosell", "homeseller", "sellerinquiry"), "seller"),
    **dict.fromkeys(("renter", "rent", "renting", "torent", "rental", "forrent", "tenant"), "renter"),
    **dict.fromkeys(("landlord", "rentout", "lettingout"), "landlord"),
    **dict.fromkeys(("investor", "invest", "investing", "investment"), "investor"),
    "insurance": "insurance",
}


def kind_of(text: str) -> str:
    """The kind of lead that a word says clearly, or nothing."""
    return KINDS.get(squeeze(text), "")


def read_price(text: str) -> tuple[int | None, int | None] | None:
    """From and to, of `$450k–$500k`, `up to 500,000`, `1M+`; one bare number is where a budget ends."""
    if len(text) > LONGEST_PRICE or text.lstrip().startswith("-"):
        return None
    found = [_bounded(Decimal(text.strip()))] if EXPONENT.fullmatch(text.strip()) else _amounts(text)
    amounts = sorted(amount for amount in found if amount)
    if not amounts or len(found) > 2 or None in found:
        return None
    if len(amounts) == 2:
        return amounts[0], amounts[1]
    return (amounts[0], None) if AT_LEAST.search(text) and not AT_MOST.search(text) else (None, amounts[0])


def _amounts(text: str) -> list[int | None]:
    """Every amount in it; in 450–500k the first is meant in thousands too."""
    found = [(_decimal(number), (unit or "").lower()[:1]) for number, unit in AMOUNT.findall(text)]
    unit = found[-1][1] if found else ""
    shared = len(found) == 2 and not found[0][1] and found[0][0] is not None and found[0][0] < 1000
    return [
        None if number is None else _bounded(number * TIMES.get(own or (unit if shared else ""), 1))
        for number, own in found
    ]


def _decimal(text: str) -> Decimal | None:
    """1,250,000.00 and 1.250.000,00 alike: the last mark is a decimal one unless three digits follow."""
    text = re.sub(r"\s", "", text).rstrip(".,")
    head, mark, tail = text, "", ""
    if last := max(text.rfind("."), text.rfind(",")) + 1:
        head, mark, tail = text[: last - 1], text[last - 1], text[last:]
    if len(tail) == 3 and head != "0":
        head, tail = head + tail, ""
    try:
        return Decimal(re.sub("[.,]", "", head) + (f".{tail}" if mark and tail else ""))
    except InvalidOperation:
        return None


def _bounded(amount: Decimal) -> int | None:
    return round(amount) if amount <= LARGEST_PRICE else None


def price_in_words(text: str) -> str:
    """A plain number grouped; anything else as it is."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    return f"{round(amount):,}" if amount.is_finite() and 0 <= amount <= LARGEST_PRICE else text


def read_moment(text: str) -> datetime | None:
    """A moment in UTC, of ISO and its misspellings, epochs and mail dates. A day alone is no moment."""
    found = _matched(text)
    if found is None:
        return _epoch(text) or _mail_date(text)
    return _moment(found) if found["h"] else None


def _moment(found: re.Match[str]) -> datetime | None:
    hour = int(found["h"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    try:
        year, month, day, minute, second = (int(found[part] or 0) for part in ("y", "mo", "d", "mi", "s"))
        return _sane(datetime(year, month, day, hour, minute, second, tzinfo=_zone(found["zone"])))
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    """An offset as written, `-08:0` and `-5` too."""
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    hours, minutes = (digits[:2], digits[2:]) if ":" not in text else text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes.ljust(2, "0") if minutes else 0))
    return timezone(-offset if text[0] == "-" else offset)


def read_day(text: str) -> date | None:
    """A day, of 20270115, 2027-01-15, 1/15/2027 or any moment."""
    found = _matched(text)
    if found is None:
        moment = _epoch(text) or _mail_date(text)
        return moment.date() if moment else None
    try:
        day = date(int(found["y"]), int(found["mo"]), int(found["d"]))
    except ValueError:
        return None
    return day if day.year in YEARS else None


def day_in_words(text: str) -> str:
    """The day that a text names, else the text."""
    day = read_day(text)
    return f"{day:%B} {day.day}, {day.year}" if day else text


def _matched(text: str) -> re.Match[str] | None:
    text = text.strip()[:60]
    if american := AMERICAN.fullmatch(text):
        text = "-".join((american[3], american[1], american[2])) + american[4]
    return MOMENT.fullmatch(text)


def _epoch(text: str) -> datetime | None:
    found = EPOCH.fullmatch(text.strip())
    return _sane(datetime.fromtimestamp(int(found[1]), UTC)) if found else None


def _mail_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text[:60])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _sane(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _sane(moment: datetime) -> datetime | None:
    return moment.astimezone(UTC).replace(microsecond=0) if moment.year in YEARS else None


def emails_in(text: str) -> list[str]:
    """The addresses in a text, without names and `mailto:`."""
    found = [address.rstrip(".") for address in EMAIL.findall(text)] if len(text) <= LONGEST_EMAILS else []
    return [address for address in found if len(address) <= LONGEST_CONTACT]


def phones_in(text: str) -> list[str]:
    """The phones in a text: the whole first, since people write 212/555-0100 too. Empty where anything is none."""
    if len(text) > LONGEST_CONTACT:
        return []
    if is_phone(text):
        return [text]
    parts = [part.strip() for part in APART.split(text) if part.strip()]
    return parts if parts and all(map(is_phone, parts)) else []


def is_phone(text: str) -> bool:
    """Whether all of it may be one phone, with its extension."""
    found = PHONE.fullmatch(text.strip())
    return found is not None and 7 <= sum(map(str.isdigit, found[1])) <= 17


def looks_like_phone(text: str) -> bool:
    """Whether it is one by its looks alone: with an area code and signs between its digits, and no day."""
    signs = text.strip()
    return is_phone(signs) and sum(map(str.isdigit, signs)) >= 10 and not signs.isdigit() and read_day(signs) is None
