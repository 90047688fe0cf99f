"""What made-up leads are made of. Surnames come in a thousand, as a common one fits about a lead in a thousand."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words("""
    James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph
    Jessica Thomas Karen Carlos Nancy Daniel Lisa Matthew Betty Anthony Sandra Mark Ashley Luis Emily Steven
    Kimberly Andrew Margaret Paul Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa Timothy Deborah
    Ronald Stephanie Jorge Rebecca Jason Sharon Edward Laura Jeffrey Cynthia Ryan Dorothy Jacob Amy Omar
    Kathleen Nicholas Angela Eric Shirley Stephen Emma Wei Brenda Larry Pamela Justin Nicole Scott Anna Brandon
    Samantha Benjamin Katherine Samuel Christine Gregory Helen Alejandro Debra Patrick Rachel Frank Carolyn
    Raymond Janet Jack Maria Dennis Olivia Jerry Heather
""")
_STARTS = _words("""
    Ash Black Brook Burn Carl Chester Clay Cran Dal Den East Fair Fern Glen Gran Hal Ham Hart Haw Hol Kings Lang
    Lock Mar Mill North Oak Pem Red Ridge Rock Sher Stan Stone Strat Sut Thorn Wal West Win
""")
_ENDS = _words("""
    berg bury by combe cott dale don field ford ham hurst land ley lock man mere more port ridge shaw stead
    stone ton well wood
""")
SURNAMES = [start + end for start in _STARTS for end in _ENDS]
SOURCES = (
    "Zillow",
    "Website",
    "Referral",
    "Realtor.com",
    "Open house",
    "Facebook",
    "Import",
    "Google",
    "Sign call",
    "Past client",
    "Radio",
    "Postcard",
)
STATES = _words("""
    CA TX FL NY PA IL OH GA NC MI NJ VA WA AZ TN MA IN MD MO WI CO MN SC AL LA KY OR OK CT UT IA NV AR KS MS NM
    NE ID WV HI NH ME MT RI DE SD ND AK VT WY
""")
