"""Words that names are made of: people, companies, places, jobs."""


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Ada Aisha Akira Alan Alice Amara Ana Andrea Anton Astrid Ben Bianca Bruno Camille Carla Carlos Chen Chloe "
    "Clara Dana Daniel David Diego Elena Elif Emil Emma Erik Esther Farid Fatima Felix Fiona François Freya "
    "Gabriel George Grace Hana Hannah Hassan Helena Hugo Ines Ingrid Isaac Ivan Jade James Jana Jonas José Julia "
    "Kai Karim Kenji Kofi Laila Lara Lars Laura Leo Lena Liam Lina Louis Lucia Magnus Maja Marco Maria Marta Max "
    "Mei Mila Mina Miriam Nadia Naomi Nina Noah Nora Olga Olivia Omar Oscar Paula Pedro Petra Priya Rafael Ravi "
    "Rosa Ruben Ruth Sam Sara Simon Sofia Søren Stella Sven Tara Theo Tom Uma Vera Victor Wanda Yara Yuki Yusuf "
    "Zara Zoë"
)

LAST = _words(
    "Abbott Adeyemi Ahmed Almeida Andersen Aoki Baker Banerjee Barros Bauer Becker Berg Bianchi Blum Brandt Brown "
    "Carter Castro Chan Cohen Conti Costa Cruz Dahl Delgado Diaz Dubois Dunn Eriksen Evans Farah Ferrari Fischer "
    "Fontaine Fraser Fuchs Garcia Gruber Haas Hansen Hayashi Hill Hoffmann Horvath Hughes Ibrahim Ito Iyer Jansen "
    "Jensen Kaplan Kaur Keller Khan Kim Klein Koch Kovac Kumar Lam Lang Larsen Lee Lehmann Lindgren Lopez Lund "
    "Mancini Marino Martin Mehta Meyer Moore Morales Moreau Müller Murphy Nakamura Nguyen Nielsen Novak Nowak "
    "Okafor Olsen Ortiz Park Patel Pereira Petrov Quinn Ramos Reed Reyes Ricci Rossi Roth Russo Sato Schmidt "
    "Schulz Shah Silva Simons Singh Sousa Stein Suzuki Tanaka Taylor Torres Turner Urban Vargas Vogel Wagner "
    "Walker Wang Weber Winter Wolf Wong Yamada Yilmaz Young Zhang Ziegler"
)

COMPANY_FIRST = _words(
    "Amber Anchor Apex Arbor Arctic Aspen Atlas Aurora Azure Basalt Beacon Birch Blue Bolt Breeze Bright Brook "
    "Canyon Cedar Cinder Cirrus Clear Cliff Cloud Coastal Cobalt Comet Copper Coral Crest Crystal Cypress Dawn "
    "Delta Drift Dune Eagle Echo Elm Ember Falcon Fern Fjord Flint Forest Garnet Glacier Golden Granite Grove "
    "Harbor Hazel Heron Hollow Indigo Iron Ivory Jade Juniper Kestrel Lagoon Lantern Larch Laurel Linden Lotus "
    "Lunar Maple Marble Meadow Meridian Mesa Mint Mist Moss Nimbus North Oak Obsidian Ocean Olive Onyx Opal "
    "Orchid Osprey Otter Pearl Pebble Pine Polar Prairie Quartz Quill Raven Reef Ridge River Rowan Ruby Sable "
    "Saffron Sage Sequoia Shore Sierra Silver Slate Solar Sparrow Spruce Sterling"
)

COMPANY_SECOND = {
    "Robotics": "Robotics",
    "Logistics": "Logistics",
    "Analytics": "Software",
    "Health": "Health care",
    "Foods": "Food",
    "Energy": "Energy",
    "Finance": "Financial services",
    "Media": "Media",
    "Retail": "Retail",
    "Software": "Software",
    "Security": "Software",
    "Travel": "Travel",
    "Learning": "Education",
    "Materials": "Manufacturing",
    "Mobility": "Transport",
    "Legal": "Legal services",
    "Biotech": "Biotechnology",
    "Games": "Games",
    "Insurance": "Insurance",
    "Property": "Real estate",
    "Textiles": "Manufacturing",
    "Aerospace": "Aerospace",
    "Networks": "Telecommunications",
    "Payments": "Financial services",
    "Farms": "Agriculture",
    "Marine": "Transport",
    "Audio": "Media",
    "Optics": "Manufacturing",
    "Recruiting": "Staffing",
    "Events": "Events",
    "Water": "Utilities",
    "Research": "Research",
}

COMPANY_THIRD = ("", "Group", "Labs", "Works", "Partners", "Systems", "Studio", "Digital", "Global", "House")

LEGAL_FORMS = ("Inc.", "LLC", "GmbH", "Ltd", "S.A.", "K.K.", "B.V.")

# country, two letters, three letters, currency, cities
COUNTRIES = (
    ("United States", "US", "USA", "usd", ("Austin", "Boston", "Chicago", "Denver", "New York", "San Francisco")),
    ("United States", "US", "USA", "usd", ("Atlanta", "Dallas", "Miami", "Nashville", "Phoenix", "Seattle")),
    ("United Kingdom", "GB", "GBR", "gbp", ("Bristol", "Edinburgh", "Leeds", "London", "Manchester")),
    ("Germany", "DE", "DEU", "eur", ("Berlin", "Hamburg", "Köln", "Leipzig", "München")),
    ("France", "FR", "FRA", "eur", ("Lille", "Lyon", "Nantes", "Paris", "Toulouse")),
    ("Netherlands", "NL", "NLD", "eur", ("Amsterdam", "Rotterdam", "Utrecht")),
    ("Japan", "JP", "JPN", "jpy", ("Fukuoka", "Kyoto", "Osaka", "Tokyo")),
    ("Canada", "CA", "CAN", "usd", ("Montréal", "Toronto", "Vancouver")),
)

JOBS = (
    "Founder",
    "CEO",
    "CTO",
    "Head of Data",
    "Engineering Manager",
    "Data Engineer",
    "Software Engineer",
    "ML Engineer",
    "Product Manager",
    "Head of Marketing",
    "Marketing Manager",
    "Sales Manager",
    "Operations Lead",
    "Finance Manager",
    "Support Lead",
    "Analyst",
)

FREE_MAIL = ("gmail.com", "gmail.com", "googlemail.com", "outlook.com", "yahoo.com", "gmx.de", "proton.me")

SHARED_INBOXES = frozenset(
    _words(
        "info support billing sales hello office admin contact team help accounts finance ap invoices noreply no-reply"
    )
)

# Firms that keep the books of several companies: one inbox, many customers.
BOOKKEEPERS = ("northledger.example", "tallybooks.example", "countinghouse.example")
