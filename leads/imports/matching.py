"""Which column holds what: by its name, and by its values where the name is not enough. Standard library only.

A mapping says for each column one of FIELDS, `custom:<key>` (kept as a custom field), or "" (left out). While it is
chosen, a field that is to be made has no key yet: `custom:` of texts, `number:`, `date:` or `choice:`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

NAME, PHONE, EMAIL, KIND = "name", "phone", "email", "kind"
STAGE, SOURCE, PERSON, NOTE = "stage", "source", "assigned_to", "note"
CALL, TEXT = "call", "text"
# a column that says yes or no: what its leads want none of
UNWANTED: Mapping[str, frozenset[str]] = {
    "do_not_call": frozenset({CALL}),
    "no_email": frozenset({EMAIL}),
    "no_text": frozenset({TEXT}),
    "do_not_contact": frozenset({CALL, EMAIL, TEXT}),
}
CUSTOM = "custom:"
NEW = {CUSTOM: "text", "number:": "number", "date:": "date", "choice:": "choice"}  # what is made, and its kind
FIELDS: Mapping[str, str] = {
    "first_name": "First name",
    "last_name": "Last name",
    NAME: "Full name",
    "company_name": "Company name",
    EMAIL: "E-mail",
    PHONE: "Phone",
    "street": "Address",
    "city": "City",
    "state": "State",
    "postal_code": "Postal code",
    "time_zone": "Time zone",
    "language": "Language",
    KIND: "Type",
    STAGE: "Stage",
    SOURCE: "Source",
    "tags": "Tags",
    "score": "Score",
    "price_min": "Price from",
    "price_max": "Price to",
    PERSON: "Assigned to",
    "do_not_call": "Do not call",
    "no_email": "E-mail opt-out",
    "no_text": "Text opt-out",
    "do_not_contact": "Do not contact at all",
    NOTE: "Note",
}
MANY = frozenset(
    {PHONE, EMAIL, "street", "tags", NOTE, *UNWANTED}
)  # several columns may hold these; a lead has one of each other
NEED_FITTING_VALUES = frozenset({KIND, STAGE, PERSON, "time_zone", "score", "price_min", "price_max"})
FIT = 4  # one in so many of a column's values must fit, or it is something else of that name
SAY_WHO = frozenset({"first_name", "last_name", NAME, "company_name", EMAIL, PHONE})

NAMES: Mapping[str, str] = {
    "first_name": "first firstname fname given givenname forename firstnames",
    "last_name": "last lastname lname surname family familyname",
    NAME: "name fullname names displayname",
    "company_name": "company companyname organization organisation organizationname organisationname org employer firm"
    " account accountname companyaccount",
    EMAIL: "email emailaddress mail emails mailaddress emailid emailaddresses",
    PHONE: "phone phonenumber phones telephone telephonenumber tel mobile mobilephone mobilenumber cell cellphone"
    " cellnumber cellular landline ph phonemobile phonecell phonenumbers",
    "street": "address street streetaddress addressline addressstreet addressaddress addr streetname streetline",
    "city": "city town locality addresscity",
    "state": "state province region stateprovince stateregion addressstate addressregion st",
    "postal_code": "zip zipcode postal postalcode postcode addresspostalcode addresszip addresszipcode zippostalcode"
    " zippostal postalzip",
    "time_zone": "timezone tz",
    "language": "language lang preferredlanguage",
    KIND: "type leadtype contacttype dealtype",
    STAGE: "stage status leadstage leadstatus lifecyclestage pipeline pipelinestage",
    SOURCE: "source leadsource originalsource originalleadsource contactsource sourcename referralsource",
    "tags": "tags tag labels groups label hashtags hashtag categories category groupmembership",
    "score": "score leadscore rating",
    "price_min": "pricemin minprice pricefrom minbudget budgetmin",
    "price_max": "pricemax maxprice priceto maxbudget budgetmax price budget averageprice avgprice",
    PERSON: "assigned assignedto assignedagent assigneduser assignedagentname assignedusername agent agentname owner"
    " ownername ownerfullname accountowner recordowner",
    "do_not_call": "donotcall dnc isdnc dncflag dnclist ondnc ondnclist donotcallflag donotcalllist donotcallregistry"
    " dncregistry phonednc phonedonotcall donotphone donotallowphonecalls nocall nocalls nophone calloptout phoneoptout"
    " optedoutcalls optedoutofcalls hasoptedoutcalls hasoptedoutofcalls",
    "no_email": "emailoptout optoutemail optoutofemail emailoptedout optedoutemail optedoutofemail hasoptedoutemail"
    " hasoptedoutofemail optedoutemails optedoutofemails hsemailoptout emailunsubscribed emailunsubscribe unsubscribed"
    " unsubscribe isunsubscribed unsubscribedemail unsubscribedfromemail unsubscribedfromemails unsubscribedfromallemail"
    " unsubscribedfromallemails optedoutemailmarketinginformation donotemail donotbulkemail donotallowemails"
    " donotallowbulkemails noemail noemails optedout optout emaildonotcontact",
    "no_text": "textoptout smsoptout optouttext optoutsms optoutoftext optoutofsms textoptedout smsoptedout"
    " optedouttext optedoutsms optedoutoftext optedoutofsms optedouttexts optedoutoftexts hasoptedouttext"
    " hasoptedoutoftext hasoptedoutsms hasoptedoutofsms textunsubscribed smsunsubscribed donottext donotsms notext notexts"
    " nosms",
    "do_not_contact": "donotcontact isdonotcontact donotcontactflag donotsolicit hasoptedout optedoutall optedoutofall",
    NOTE: "note notes comment comments description background backgroundinfo backgroundinformation remark remarks memo"
    " additionalnotes agentnotes generalnotes internalnotes privatenotes",
}
BY_NAME = {name: field for field, names in NAMES.items() for name in names.split()}
# words that say which one or whose, not what; a column that has no other word keeps them
PARTICULARS = {
    *("lead", "contact", "client", "customer", "person", "primary", "secondary", "main", "other", "home", "work"),
    *("business", "office", "personal", "preferred", "mailing", "current", "alternate", "alt", "the", "of", "s"),
    *("value", "number", "no"),
}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
NOT_SLUG = re.compile(r"[^a-z0-9]+")


def match_columns(
    header: Sequence[str], samples: Sequence[Sequence[str]], fits: Callable[[str, str], bool]
) -> list[str]:
    """A mapping for `header`: what it names plainly becomes that field, all else is kept as a custom field.

    `samples` are a few records; where a field takes only certain values, some of the column's must be such (`fits`).
    """
    found: list[str] = []
    for number, name in enumerate(header):
        field = field_named(name)
        values = _values(samples, number)
        fitting = sum(fits(field, value) for value in values) if field in NEED_FITTING_VALUES else len(values)
        doubtful = field in NEED_FITTING_VALUES and (not values or fitting * FIT < len(values))
        taken = field in found and field not in MANY
        found.append("" if doubtful or taken else field)
    if NAME in found and ("first_name" in found or "last_name" in found):
        found[found.index(NAME)] = ""
    return with_custom_keys(header, [field or CUSTOM for field in found])


def doubts_about(
    header: Sequence[str], samples: Sequence[Sequence[str]], problem: Callable[[str, str], str]
) -> list[str]:
    """Of each column what its first values say against the field it is named like; nothing as a rule."""
    found = []
    for number, name in enumerate(header):
        field, values = field_named(name), _values(samples, number)
        certain = field in NEED_FITTING_VALUES or field in UNWANTED
        wrong = [why for value in values if (why := problem(field, value))] if certain else []
        some = (
            f"{len(wrong)} of its first {len(values)} values cannot"
            if len(wrong) < len(values)
            else "none of its first values can"
        )
        found.append(
            f"As “{FIELDS[field]}”, {some} be read ({wrong[0]}); their rows would be rejected." if wrong else ""
        )
    return found


def _values(samples: Sequence[Sequence[str]], number: int) -> list[str]:
    """The different values of a column, in their order."""
    return list(dict.fromkeys(text for row in samples if number < len(row) and (text := row[number].strip())))


def field_named(name: str) -> str:
    """The field that a column of this name holds, or an empty text."""
    words = [word.lower() for word in WORD.findall(_plain(name))]
    telling = [word for word in words if word not in PARTICULARS]
    for spelling in (words, telling):
        field = BY_NAME.get("".join(spelling), "")
        if field:
            return field
    return ""


def with_custom_keys(header: Sequence[str], mapping: Sequence[str]) -> list[str]:
    """The mapping with a key for each field that is to be made: its name as a slug, numbered where two are alike."""
    keys = {field for field in mapping if field.startswith(CUSTOM)}
    result = []
    for number, (name, field) in enumerate(zip(header, mapping, strict=True), 1):
        if field in NEW:
            key = slug = NOT_SLUG.sub("-", _plain(name).lower()).strip("-")[:56].strip("-") or f"column-{number}"
            again = 1
            while CUSTOM + key in keys:
                again += 1
                key = f"{slug}-{again}"
            field = CUSTOM + key
            keys.add(field)
        result.append(field)
    return result


def kinds_made(chosen: Sequence[str], mapping: Sequence[str]) -> dict[str, str]:
    """The kinds of the fields to be made, by key: as chosen, for the same columns with their keys."""
    pairs = zip(chosen, mapping, strict=True)
    return {field.removeprefix(CUSTOM): NEW[choice] for choice, field in pairs if choice in NEW}


def _plain(name: str) -> str:
    """Without accents, so that words and slugs can be made of it."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()


def problems_of(header: Sequence[str], mapping: Sequence[str]) -> dict[int, str]:
    """What is wrong with a mapping, by column; under -1 what is wrong with it as a whole."""
    problems: dict[int, str] = {}
    taken: dict[str, str] = {}
    for number, (name, field) in enumerate(zip(header, mapping, strict=True)):
        if field and field not in MANY:
            if field in taken:
                title = FIELDS.get(field, "This field")
                problems[number] = f"{title} is taken from “{taken[field]}” already."
            taken[field] = name
    if NAME in taken and ("first_name" in taken or "last_name" in taken):
        problems[-1] = "Take either the full name, or first and last name, not both."
    if not SAY_WHO & set(mapping):
        problems[-1] = "Say at least which column holds a name, a company, an e-mail or a phone."
    return problems
