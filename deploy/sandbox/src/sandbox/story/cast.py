"""The names: offers and customers of the marketplace, catalogue and companies of the PSA."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.ingram.records import Offer, Period

YEAR, MONTH = Period("year", 1), Period("month", 1)
EXACT, BY_HAND, EXCLUDED = "exact", "by-hand", "excluded"


def _offer(
    name: str, vendor: str, mpn: str | None, *, term: Period, money: tuple[str, str], number: int
) -> Offer:
    price, cost = map(Decimal, money)
    return Offer(name, vendor, mpn, term, MONTH, price, cost, f"PRD3265{number:02}", 10_000 + number)


OFFERS = {
    "basic": _offer(
        "Microsoft 365 Business Basic",
        "Microsoft",
        "CFQ7TTC0LH18:0001_P1Y_M",
        term=YEAR,
        money=("6.0", "5.0"),
        number=1,
    ),
    "standard": _offer(
        "Microsoft 365 Business Standard",
        "Microsoft",
        "CFQ7TTC0LDPB:0001_P1Y_M",
        term=YEAR,
        money=("12.5", "10.4"),
        number=2,
    ),
    "premium": _offer(
        "Microsoft 365 Business Premium",
        "Microsoft",
        "CFQ7TTC0LCHC:0002",
        term=YEAR,
        money=("22", "18.3"),
        number=3,
    ),
    "premium-monthly": _offer(
        "Microsoft 365 Business Premium",
        "Microsoft",
        "CFQ7TTC0LCHC:0002",
        term=MONTH,
        money=("26.4", "22"),
        number=4,
    ),
    "exchange": _offer(
        "Exchange Online (Plan 1)",
        "Microsoft",
        "CFQ7TTC0LH16:0001_P1Y_M",
        term=YEAR,
        money=("4", "3.3"),
        number=5,
    ),
    "backup": _offer(
        "Acronis Cyber Protect Workstation", "Acronis", "SQ2AMSENS", term=MONTH, money=("7", "4"), number=6
    ),
    "antivirus": _offer(
        "Bitdefender GravityZone Business Security",
        "Bitdefender",
        "AL1286100A-EN",
        term=YEAR,
        money=("3.2", "1.9"),
        number=7,
    ),
    "defender": _offer(
        "Microsoft Defender for Business",
        "Microsoft",
        "CFQ7TTC0P3V3:0002_P1M_M",
        term=MONTH,
        money=("3", "2.5"),
        number=8,
    ),
    "files": _offer(
        "Dropbox Business Standard", "Dropbox", "DBX-BUS-STD-US", term=YEAR, money=("15", "12"), number=9
    ),
    "reservation": _offer(
        "Azure Reserved VM Instance, D2s v5", "Microsoft", None, term=YEAR, money=("0", "0"), number=10
    ),
    "marketplace-api": _offer(
        "Marketplace API", "Ingram Micro", None, term=YEAR, money=("0", "0"), number=11
    ),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A catalogue item; `key` is what ConnectWise shows as Product ID."""

    key: str
    name: str
    price: float
    cost: float
    kind: str = "Service"
    inactive: bool = False


ITEMS = {
    "basic": Item("CFQ7TTC0LH18:0001_P1Y_M", "M365 Business Basic, annual", 7.5, 5.0),
    "standard": Item("CFQ7TTC0LDPB:0001_P1Y_M", "M365 Business Standard, annual", 15.0, 10.4),
    "premium": Item("M365-BP", "Business Premium seat", 27.0, 18.3),
    "exchange": Item("CFQ7TTC0LH16:0001_P1Y_M", "Hosted mailbox", 5.0, 3.3),
    "backup": Item("BKP-WS", "Acronis Cyber Protect Workstation", 11.0, 4.0),
    "antivirus": Item("AV-SEAT", "Bitdefender GravityZone Business Security", 4.5, 1.9),
    "edr": Item("EDR-SEAT", "EDR per seat", 5.5, 2.5),
    "files": Item("FILE-SYNC", "File sync per user", 19.0, 12.0),
    "reservation": Item("AZ-RI-D2S", "Reserved cloud server", 95.0, 70.0),
    "rmm": Item("RMM-SEAT", "Remote monitoring per device", 3.5, 1.2),
    "bundle": Item("WORKPLACE-BUNDLE", "Workplace bundle", 60.0, 40.0, kind="Bundle"),
    "legacy": Item("AV-LEGACY", "Antivirus (discontinued)", 3.0, 1.0, inactive=True),
}


@dataclass(frozen=True, slots=True)
class Service:
    """Where an offer is billed, and how a person or the exact rule finds that out."""

    offer: str
    item: str | None
    how: str


SERVICES = (
    Service("basic", "basic", EXACT),
    Service("standard", "standard", EXACT),
    # Two terms of one part number are two services of one name: no exact rule can tell them apart.
    Service("premium", "premium", BY_HAND),
    Service("premium-monthly", "premium", BY_HAND),
    Service("exchange", "exchange", EXACT),
    Service("backup", "backup", EXACT),
    Service("antivirus", "antivirus", EXACT),
    Service("defender", "edr", BY_HAND),
    Service("files", "files", BY_HAND),
    Service("reservation", "reservation", BY_HAND),
    Service("marketplace-api", None, EXCLUDED),
)


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with the company that it is, if any; `company` is a key of COMPANIES."""

    name: str
    company: str | None
    how: str


ACCOUNTS = {
    "alpine": Account("Alpine Architects", "alpine", EXACT),
    "bluebird": Account("Bluebird Bakery", "bluebird", EXACT),
    "cedar": Account("Cedar Grove Veterinary", "cedar", EXACT),
    "delta": Account("Delta Freight Lines", "delta", EXACT),
    "evergreen": Account("Evergreen Accounting", "evergreen", EXACT),
    "foxglove": Account("Foxglove Interiors", "foxglove", EXACT),
    "granite": Account("Granite Law Group", "granite", EXACT),
    "harborview": Account("Harborview Hotels", "harborview", EXACT),
    "northwind": Account("Northwind Logistics", "northwind", BY_HAND),
    "contoso": Account("Contoso Dental", "contoso", BY_HAND),
    "fabrikam": Account("Fabrikam Robotics", "fabrikam", BY_HAND),
    "own": Account("Marketplace API", None, EXCLUDED),
}
COMPANIES = {
    "alpine": "Alpine Architects",
    "bluebird": "Bluebird Bakery",
    "cedar": "Cedar Grove Veterinary",
    "delta": "Delta Freight Lines",
    "evergreen": "Evergreen Accounting",
    "foxglove": "Foxglove Interiors",
    "granite": "Granite Law Group",
    "harborview": "Harborview Hotels",
    "northwind": "Northwind Logistics",
    "northwind-west": "Northwind Logistics",
    "contoso": "Contoso Dental Care LLC",
    "fabrikam": "Fabrikam Robotics, Inc.",
    "juniper": "Juniper Landscaping",
    "old-mill": "Old Mill Pottery",
}
DELETED_COMPANIES = ("old-mill",)
