"""The answers of one record as one inquiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leads.imports.matching import CUSTOM
from routing.capture.formats.bodies import Answer, Record
from routing.capture.formats.draft import LENGTHS, Draft, Lines, add
from routing.capture.formats.guessing import PLACES, Dialect, place_of
from routing.capture.formats.shape import Agent, Inquiry, UnreadableError
from routing.capture.formats.text import label_of, squeeze
from routing.capture.formats.values import emails_in, looks_like_phone

Placed = list[tuple[str, Answer]]
UNFOUND = "There is no name, phone or e-mail in it"
UNPLACED = "There is a name in it, and how to reach her may be under"
MOST_NAMED = 12  # of the questions that an error names


def compose(answers: Record, dialect: Dialect, mapping: Mapping[str, str]) -> Inquiry:
    """One inquiry of one record. `mapping` (question → place) goes before every guess. Raises UnreadableError."""
    draft, placed = Draft(), _in_order(answers, dialect, mapping)
    for place, answer in placed:
        draft.put(place, answer)
    _settle_names(draft)
    _settle_prices(draft)
    _insist_on_who(draft, placed)
    return Inquiry(
        external_id=draft.words.get("external_id", ""),
        fields=draft.fields,
        phones=tuple(draft.phones.values()),
        emails=tuple(draft.emails.values()),
        tags=tuple(draft.tags),
        source=draft.words.get("source", ""),
        message="\n\n".join(draft.messages),
        about=_about(draft),
        asked=draft.asked,
        extra=_joined(draft.extra),
        custom=_joined(draft.custom),
        utm=draft.utm,
        consent=draft.words.get("consent", ""),
        agent=_agent(draft.agents["agent"]),
        chosen=_agent(draft.agents["chosen"]),
        happened_at=draft.happened_at,
        event=draft.words.get("event", ""),
    )


def _insist_on_who(draft: Draft, placed: Placed) -> None:
    """A name alone will do, unless how to reach her seems to be there, under a question that nobody has explained."""
    if draft.phones or draft.emails:
        return
    if not draft.fields.keys() & {"first_name", "last_name", "company_name"}:
        only = f", only: {_labels(answer for _, answer in placed)}" if placed else ""
        raise UnreadableError(f"{UNFOUND}{only}.")
    lost = [answer for place, answer in placed if not place and _may_reach(answer.text)]
    if lost:
        raise UnreadableError(f"{UNPLACED}: {_labels(lost)}.")


def _may_reach(text: str) -> bool:
    return emails_in(text) == [text] or looks_like_phone(text)


def _in_order(answers: Record, dialect: Dialect, mapping: Mapping[str, str]) -> Placed:
    """What is mapped first; then names beside a phone or an e-mail, as of several names one may be the form's."""
    mapped = {squeeze(question): place for question, place in mapping.items() if squeeze(question)}
    rows: list[tuple[bool, str, Answer]] = []
    for answer in answers:
        guess = place_of(answer.path, dialect)
        chosen = mapped.get(squeeze("".join(answer.path)))
        if chosen is None and not guess.startswith(("agent", "chosen")):  # “email” is the asking person's, not hers
            chosen = mapped.get(squeeze("".join(answer.path[-1:])))
        known = chosen is None or chosen in PLACES or chosen.startswith(CUSTOM)
        rows.append((chosen is None, (guess if chosen is None else chosen) if known else "", answer))
    reached = {answer.path[:-1] for _, place, answer in rows if place in ("phone", "email")}
    rows.sort(key=lambda row: (row[0], row[1] == "name" and row[2].path[:-1] not in reached))
    return [(place, answer) for _, place, answer in rows]


def _settle_names(draft: Draft) -> None:
    """First and last name as given, else of the whole: `Ana Silva`, or `Silva, Ana`."""
    first, last, full = (draft.names.get(name, "") for name in ("first_name", "last_name", "name"))
    if full and not (first and last):
        start, end = _halves(full)
        if first and not end and squeeze(start) != squeeze(first):
            end = start  # beside a first name, “name” is the other one
        first, last = first or start, last or end
    said = {squeeze(first + last), squeeze(last + first), squeeze(last)}
    clipped = {"first_name": first[: LENGTHS["first_name"]], "last_name": last[: LENGTHS["last_name"]]}
    if full and (squeeze(full) not in said or clipped != {"first_name": first, "last_name": last}):
        add(draft.extra, "Name", full)
    draft.fields.update((name, text.rstrip()) for name, text in clipped.items() if text)


def _halves(full: str) -> tuple[str, str]:
    last, comma, first = full.partition(",")
    if not comma:
        first, _, last = full.partition(" ")
    return first.strip(), last.strip()


def _settle_prices(draft: Draft) -> None:
    """From what is less to what is more, whatever was called which."""
    low, high = draft.fields.get("price_min"), draft.fields.get("price_max")
    if low is not None and high is not None and low > high:
        draft.fields.update(price_min=high, price_max=low)


def _about(draft: Draft) -> dict[str, str]:
    """In words, the property first."""
    parts = {name: str(part) for name, part in draft.asked.items()}
    unit, area = parts.get("unit", ""), f"{parts.get('state', '')} {parts.get('postal_code', '')}".strip()
    place = [parts.get("street", ""), f"Unit {unit}" if unit.isalnum() else unit, parts.get("city", ""), area]
    about = {"Property": ", ".join(filter(None, place))} if any(place) else {}
    about |= _joined(draft.about)
    return about | ({"Budget": " – ".join(draft.budget)} if draft.budget else {})


def _joined(lines: Lines) -> dict[str, str]:
    return {label: "; ".join(said) for label, said in lines.items()}


def _agent(parts: Mapping[str, str]) -> Agent | None:
    name = parts.get("name") or f"{parts.get('first_name', '')} {parts.get('last_name', '')}".strip()
    agent = Agent(name, parts.get("email", ""), parts.get("phone", ""))
    return None if agent == Agent() else agent


def _labels(answers: Iterable[Answer]) -> str:
    """The questions of a record, for whoever maps them; never the answers."""
    labels = list(dict.fromkeys(label_of(answer.path) for answer in answers))
    more = ", …" if len(labels) > MOST_NAMED else ""
    return f"{', '.join(label[:40] for label in labels[:MOST_NAMED])}{more}"
