"""What the demo's leads are made of: names, places with telephones of their own, and what is said about people."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words("""
    Abigail Adrian Aisha Alan Alice Amara Amir Andrea Angela Anthony Arjun Audrey Bernard Beth Bianca Brian
    Camila Carla Carter Catherine Chloe Clara Colin Cora Damian Daniel Daria Derek Diana Dominic Edith Elena
    Elias Emma Erik Esther Ethan Eva Faith Felix Fiona Frank Gabriel Gina Grace Greta Hannah Harold Helen Hugo
    Ian Imani Ingrid Irene Isaac Jamal Jane Jasmine Jerome Joan Joel Jonas Julia Karim Kate Keiko Kevin Lara
    Laura Leah Lena Liam Linda Louis Lucia Luke Maggie Malik Marco Maria Martin Maya Megan Miguel Mina Naomi
    Nathan Nina Noah Nora Oliver Omar Oscar Paula Peter Priya Quentin Rachel Ramona Raphael Rita Robert Rosa
    Ruth Ryan Samir Sandra Sarah Simon Sofia Stella Tamara Teresa Theo Thomas Tobias Uma Valerie Victor Vincent
    Wanda Wendy William Yara Yusuf Zoe
""")
SURNAMES = _words("""
    Abbott Acosta Adler Ahmed Allen Anders Archer Avila Bailey Baker Banerjee Barnes Bauer Becker Bell Bennett
    Berger Bishop Blake Bowman Boyd Brennan Burke Byrne Cabrera Caldwell Carter Castillo Choi Clarke Cohen
    Coleman Conway Costa Crawford Cruz Dalton Daniels Delgado Diaz Dixon Doyle Duarte Eaton Edwards Farrell
    Fischer Fleming Flores Foster Fox Franklin Fuentes Garner Gibson Gomez Grant Greene Gupta Haas Hale Hansen
    Hayes Herrera Hobbs Hoffman Holt Hudson Ibrahim Ingram Jacobs Jensen Joyce Kaplan Kaur Kelly Kim Klein Knox
    Lambert Larsen Lawson Lee Lopez Lowe Lund Maddox Malone Marsh Mason Mehta Mercer Meyer Miller Molina Moran
    Morgan Myers Navarro Nguyen Nolan Novak Ochoa Olsen Ortiz Osman Palmer Park Patel Payne Perez Pierce Pratt
    Quinn Ramos Reyes Rhodes Rivera Roth Rowe Ruiz Russo Sanders Santos Schmidt Shah Sharp Silva Stein Stone
    Suarez Sullivan Tate Torres Tran Tucker Turner Vance Vargas Vega Wagner Walsh Weber Weiss Wells Wright Young
    Zimmer
""")
STREETS = [
    "Maple Street",
    "Oak Avenue",
    "Cedar Lane",
    "Harbor Road",
    "Lakeview Drive",
    "Mill Street",
    "Hill Road",
    "Park Avenue",
    "Elm Street",
    "Bridge Street",
    "Station Road",
    "Orchard Lane",
    "Spring Street",
    "Church Street",
    "River Road",
    "Chestnut Street",
    "Ferry Lane",
    "Summit Avenue",
]
# city, state, start of its postal codes, area code, time zone
CITIES = (
    ("Boston", "MA", "021", "617", "America/New_York"),
    ("Salem", "MA", "019", "978", "America/New_York"),
    ("Providence", "RI", "029", "401", "America/New_York"),
    ("Newport", "RI", "028", "401", "America/New_York"),
    ("Stamford", "CT", "069", "203", "America/New_York"),
    ("Portland", "ME", "041", "207", "America/New_York"),
    ("Hoboken", "NJ", "070", "201", "America/New_York"),
    ("New York", "NY", "100", "212", "America/New_York"),
    ("Brooklyn", "NY", "112", "718", "America/New_York"),
    ("Miami", "FL", "331", "305", "America/New_York"),
    ("Chicago", "IL", "606", "312", "America/Chicago"),
    ("Austin", "TX", "787", "512", "America/Chicago"),
    ("Denver", "CO", "802", "303", "America/Denver"),
    ("San Diego", "CA", "921", "619", "America/Los_Angeles"),
)
EMPLOYERS = [
    "Brightwater Dental",
    "Cobalt Design",
    "Fieldstone Bakery",
    "Granite Logistics",
    "Larkspur Clinic",
    "Northwind Charter",
    "Old Mill Books",
    "Pinecrest School",
    "Redwood Catering",
    "Tidewater Boats",
]
SOURCES = {
    "Harbor Realty": ["Zillow", "Realtor.com", "Website", "Referral", "Open house", "Facebook", "Sign call"],
    "Summit Insurance": ["Website", "Comparison site", "Referral", "Mailing", "Renewal list"],
}
TAGS = {
    "Harbor Realty": ["first home", "waterfront", "relocating", "pre-approved", "investor", "downsizing"],
    "Summit Insurance": ["renewal", "bundle", "young driver", "new home", "call after 5"],
}
NOTES = {
    "Harbor Realty": (
        "Wants three bedrooms near a good school; could move in spring.",
        "Pre-approved. Prefers the lake side and a short way to the train.",
        "Has to sell first; the house needs a new roof.",
        "Saw the open house on Sunday and liked the kitchen.",
        "Husband travels for work, best reached in the evening.",
        "Asked about taxes and association fees before anything else.",
        "Comparing with two houses across the river.",
    ),
    "Summit Insurance": (
        "Policy with the present insurer ends next month.",
        "Two cars and a house; wants one bill for all.",
        "Asked for a lower deductible. Send the comparison.",
        "Had one claim in five years, a broken window.",
        "Call again after the move.",
    ),
}
EMAILS = {
    "Harbor Realty": ("Three homes that fit", "Your showing on Saturday", "What your home could sell for"),
    "Summit Insurance": ("Your quote", "What the policy covers", "Papers for you to sign"),
}
