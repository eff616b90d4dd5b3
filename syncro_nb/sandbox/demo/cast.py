"""Who and what is in the demo account: all of it invented, and none of it can be reached."""

from __future__ import annotations

from dataclasses import dataclass

TAX_RATE_ID = 21746  # 8.7 % in the default switches

# Labour, by kind: (id, name, price in cents, what the work is)
LABOR = {
    "remote": (1190473, "Labor - Remote", 15000, "Remote support, per hour"),
    "onsite": (26118, "Labor - Onsite", 17500, "Onsite support, per hour"),
    "emergency": (26184, "Labor - Emergency", 22500, "Emergency and after-hours support, per hour"),
    "project": (9269129, "Labor - Project", 16000, "Project work, per hour"),
    "internal": (9269124, "Labor - Internal", 0, "Internal work, not charged"),
    "travel": (26117, "Labor - Travel", 7500, "Travel to the customer, per visit"),
    "website": (68055, "Labor - Website", 14000, "Website changes, per hour"),
}
PREPAID_HOURS = (7210455, "Prepaid Support Hours", 13500, "Prepaid support, per hour")
MANAGED_SERVICE = (7210918, "Managed Workstation", 6500, "Monitoring, patching and support, per workstation and month")
MANAGED_SERVER = (7210919, "Managed Server", 14500, "Monitoring, patching and backup, per server and month")

# Stocked goods and licences, by short name: (id, name, cost, price, category, in stock, description)
GOODS = {
    "ssd": (7311204, "SSD 1 TB, SATA", 6200, 9900, "Hardware;Storage", 7, "Solid state drive, 1 TB, 2.5 inch"),
    "dock": (7311218, "USB-C Docking Station", 11800, 18900, "Hardware;Accessories", 4, "Dock, two displays, 90 W"),
    "ups": (7311240, "UPS 850 VA", 9700, 14900, "Hardware;Power", 3, "Battery back-up, 850 VA, six outlets"),
    "ups_battery": (7311241, "UPS Replacement Battery", 2900, 5400, "Hardware;Power", 9, "Battery, 12 V 9 Ah"),
    "switch": (
        7311302,
        "Network Switch, 16 Ports",
        13900,
        21500,
        "Hardware;Network",
        2,
        "Gigabit switch, 16 ports, PoE",
    ),
    "access_point": (
        7311310,
        "Wireless Access Point",
        9900,
        15900,
        "Hardware;Network",
        5,
        "Access point, ceiling mount",
    ),
    "keyboard": (7311377, "Keyboard and Mouse, Wireless", 2400, 4499, "Hardware;Accessories", 12, "Wireless set"),
    "toner": (7311391, "Toner Cartridge, Black", 5100, 8450, "Hardware;Printing", 6, "Black toner, 6,000 pages"),
    "antivirus": (7311460, "Endpoint Protection, 1 Year", 2200, 4200, "Licences;Security", 0, "Licence, one computer"),
    "freight": (7311502, "Freight", 0, 1900, "Services;Freight", 0, "Freight of a delivery, as the carrier charges it"),
    "courtesy": (7311510, "Courtesy Support", 0, 0, "Services;Courtesy", 0, "Help as a courtesy, no charge"),
    "mailbox": (7311466, "Business Mailbox, 1 Year", 4800, 7200, "Licences;Mail", 0, "Licence, one mailbox"),
}

NOT_TAXED = ("freight",)
HOSTING = (7210960, "Web Hosting", 2900, "Hosting of a website, with backup and renewal of certificates")
TOWNS = ("Lower Tansy", "Port Marrow", "Larkspur", "Marrowgate")


@dataclass(frozen=True)
class Technician:
    """One of those at the desk, with habits that show in the data."""

    name: str
    mail: str
    group: str
    color: str
    sign_off: str
    enters_late_by: int  # minutes between the end of the work and its entry
    share: int  # of the tickets


TECHNICIANS = (
    Technician("Dana Whitlock", "dana@desk.example.com", "Admins", "1e3e96", "Dana", 5, 3),
    Technician("Marcus Oyelaran", "marcus@desk.example.com", "Technicians", "55b932", "Thanks, Marcus", 95, 4),
    Technician("Priya Raman", "priya@desk.example.com", "Technicians", "b3412f", "Best regards, Priya Raman", 10, 5),
    Technician("Theo Lindqvist", "theo@desk.example.com", "Technicians", "8a6d1c", "Theo", 25, 4),
)


@dataclass(frozen=True)
class Business:
    """A customer. `billing` is how its work is paid: by the hour, from prepaid hours, or by a contract."""

    name: str
    contacts: tuple[str, ...]  # the first one is the customer's own name
    domain: str
    street: str
    city: str
    share: int  # of the tickets
    billing: str = "hourly"
    taxed: bool = True
    since_months: int = 30
    prepaid: str | None = None  # hours at the beginning
    terms_days: int = 15
    pays_late: float = 0.1  # how often it takes more than a month over its terms
    workstations: int = 0  # under contract
    sweeps_tickets: bool = False  # does the monthly invoice take unbilled ticket charges along?
    recurs: str = ""  # what recurs besides a contract, by its name in `recurring`


@dataclass(frozen=True)
class Offer:
    """An estimate of one line."""

    business: str
    title: str
    goods: str
    quantity: int
    status: str


BUSINESSES = (
    Business(
        "Hobnail Machine Works",
        ("Ruth Calloway", "Eddie Marsh", "Sonia Petrescu"),
        "hobnail",
        "410 Foundry Road",
        "Lower Tansy",
        13,
        since_months=52,
    ),
    Business(
        "Pinewhistle Dental Studio",
        ("Alma Ferrante", "Kit Osgood"),
        "pinewhistle",
        "22 Larch Street",
        "Port Marrow",
        11,
        "prepaid",
        prepaid="6.5",
    ),
    Business(
        "Tumbleweed & Quill Law",
        ("Harriet Quill", "Jonas Weed", "Mireille Adeyemi"),
        "tumbleweedquill",
        "7 Courthouse Square",
        "Port Marrow",
        12,
        "contract",
        since_months=41,
        workstations=9,
        sweeps_tickets=True,
    ),
    Business(
        "Copperkettle Bakehouse",
        ("Bertrand Moss", "Ines Galvao"),
        "copperkettle",
        "95 Mill Lane",
        "Lower Tansy",
        8,
        pays_late=0.35,
    ),
    Business(
        "Larkspur Hollow Veterinary",
        ("Nadia Sorensen", "Tom Birdwhistle"),
        "larkspurhollow",
        "18 Hollow Road",
        "Larkspur",
        9,
    ),
    Business(
        "Bluefinch Freight",
        ("Curtis Amadi", "Lena Hartwick", "Paul Dreyer"),
        "bluefinch",
        "3300 Dock Avenue",
        "Port Marrow",
        12,
        "prepaid",
        prepaid="11.0",
    ),
    Business(
        "Saint Osgood Free Clinic",
        ("Miriam Achterberg", "Joy Tan"),
        "saintosgood",
        "5 Chapel Hill",
        "Lower Tansy",
        8,
        taxed=False,
    ),
    Business(
        "Gristle & Thyme Provisions",
        ("Walter Gristle", "Odette Lamar"),
        "gristlethyme",
        "61 Market Street",
        "Larkspur",
        8,
        pays_late=0.2,
    ),
    Business(
        "Northwick Surveying",
        ("Anders Northwick", "Bea Okafor"),
        "northwicksurvey",
        "240 Ridge Parkway",
        "Larkspur",
        10,
        "contract",
        since_months=18,
        workstations=6,
    ),
    Business(
        "Velvet Anchor Interiors", ("Colette Vance", "Ryan Imai"), "velvetanchor", "12 Harbor Walk", "Port Marrow", 7
    ),
    Business(
        "Marrowgate Orchards",
        ("Silas Greer", "Petra Novak"),
        "marrowgate",
        "1900 County Road 9",
        "Marrowgate",
        7,
        terms_days=30,
        pays_late=0.25,
    ),
    Business(
        "Quillfeather Montessori",
        ("Tamsin Rowe", "Gil Abrams"),
        "quillfeather",
        "33 Meadow Street",
        "Larkspur",
        2,
        since_months=0,
    ),
)
NEWCOMER = BUSINESSES[-1].name  # has tickets, and never had an invoice
SHOWCASE = BUSINESSES[0].name  # has ticket 32164
TWO_TIMERS = "Velvet Anchor Interiors"  # has ticket 32182
OFFERS = (
    Offer("Hobnail Machine Works", "Shop floor network", "switch", 2, "Approved"),
    Offer("Copperkettle Bakehouse", "Battery back-up for the tills", "ups", 3, "Declined"),
    Offer("Bluefinch Freight", "Docks for the dispatch desks", "dock", 6, "Approved"),
    Offer("Saint Osgood Free Clinic", "Wireless in the annexe", "access_point", 3, "Fresh"),
    Offer("Velvet Anchor Interiors", "Protection for all laptops", "antivirus", 8, "Draft"),
    Offer("Marrowgate Orchards", "Mailboxes for the season", "mailbox", 5, "Fresh"),
)
