"""The states of the US, as licences, rules and leads name them. Pure: standard library only.

Codes and names are those of USPS Publication 28, Appendix B: the states, the District of Columbia, the territories.
"""

from __future__ import annotations

NAMES = {
    "AL": "Alabama",
    "AK": "Alaska",
    "AS": "American Samoa",
    "AZ": "Arizona",
    "AR": "Arkansas",
    "CA": "California",
    "CO": "Colorado",
    "CT": "Connecticut",
    "DE": "Delaware",
    "DC": "District of Columbia",
    "FM": "Federated States of Micronesia",
    "FL": "Florida",
    "GA": "Georgia",
    "GU": "Guam",
    "HI": "Hawaii",
    "ID": "Idaho",
    "IL": "Illinois",
    "IN": "Indiana",
    "IA": "Iowa",
    "KS": "Kansas",
    "KY": "Kentucky",
    "LA": "Louisiana",
    "ME": "Maine",
    "MH": "Marshall Islands",
    "MD": "Maryland",
    "MA": "Massachusetts",
    "MI": "Michigan",
    "MN": "Minnesota",
    "MS": "Mississippi",
    "MO": "Missouri",
    "MT": "Montana",
    "NE": "Nebraska",
    "NV": "Nevada",
    "NH": "New Hampshire",
    "NJ": "New Jersey",
    "NM": "New Mexico",
    "NY": "New York",
    "NC": "North Carolina",
    "ND": "North Dakota",
    "MP": "Northern Mariana Islands",
    "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon",
    "PW": "Palau",
    "PA": "Pennsylvania",
    "PR": "Puerto Rico",
    "RI": "Rhode Island",
    "SC": "South Carolina",
    "SD": "South Dakota",
    "TN": "Tennessee",
    "TX": "Texas",
    "UT": "Utah",
    "VT": "Vermont",
    "VI": "Virgin Islands",
    "VA": "Virginia",
    "WA": "Washington",
    "WV": "West Virginia",
    "WI": "Wisconsin",
    "WY": "Wyoming",
}
CODES = {name.upper(): code for code, name in NAMES.items()} | {code: code for code in NAMES}


def code_of(text: str) -> str:
    """`AZ` for `az` and `Arizona`; what is no state here stays as it is, in capitals."""
    folded = " ".join(text.split()).upper()
    return CODES.get(folded, folded)


def kept_as(text: str) -> str:
    """What a lead keeps of a state as people write it: its code, or what is no state here as it is written."""
    code = code_of(text)
    return code if code in NAMES or len(code) == 2 else text


def spelled(text: str) -> set[str]:
    """The ways in which leads may have it, by code or name."""
    code = code_of(text)
    return {text, code, NAMES.get(code, text)}


def is_state(text: str) -> bool:
    return code_of(text) in NAMES
