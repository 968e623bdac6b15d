"""Declares the story's names: offers and customers of the marketplace, products and companies of the PSA."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.connectwise.records import NO_ORIGIN, ProductOrigin
from sandbox.ingram.records import Offer, OfferPeriod

YEAR, MONTH = OfferPeriod("year", 1), OfferPeriod("month", 1)
EXACT, BY_HAND, EXCLUDED = "exact", "by-hand", "excluded"


def _offer(
    name: str, vendor: str, mpn: str | None, *, term: OfferPeriod, money: tuple[str, str], number: int
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
class CatalogueFixture:
    """A product of the PSA; ConnectWise shows `key` as Product ID."""

    key: str
    name: str
    price: float
    cost: float
    origin: ProductOrigin = NO_ORIGIN
    kind: str = "Service"
    inactive: bool = False


def _made_by(
    manufacturer: str, part_number: str | None = None, description: str | None = None
) -> ProductOrigin:
    return ProductOrigin(manufacturer, part_number, description)


ITEMS = {
    "basic": CatalogueFixture(
        "CFQ7TTC0LH18:0001_P1Y_M", "M365 Business Basic, annual", 7.5, 5.0, _made_by("Microsoft")
    ),
    "standard": CatalogueFixture(
        "CFQ7TTC0LDPB:0001_P1Y_M", "M365 Business Standard, annual", 15.0, 10.4, _made_by("Microsoft")
    ),
    "premium": CatalogueFixture(
        "M365-BP",
        "Business Premium seat",
        27.0,
        18.3,
        _made_by("Microsoft", "CFQ7TTC0LCHC:0002", "Microsoft 365 Business Premium, one seat"),
    ),
    "exchange": CatalogueFixture("CFQ7TTC0LH16:0001_P1Y_M", "Hosted mailbox", 5.0, 3.3),
    "backup": CatalogueFixture(
        "BKP-WS", "Acronis Cyber Protect Workstation", 11.0, 4.0, _made_by("Acronis", "SQ2AMSENS")
    ),
    "antivirus": CatalogueFixture(
        "AV-SEAT", "Bitdefender GravityZone Business Security", 4.5, 1.9, _made_by("Bitdefender")
    ),
    "edr": CatalogueFixture(
        "EDR-SEAT",
        "EDR per seat",
        5.5,
        2.5,
        _made_by("Microsoft", None, "Microsoft Defender for Business, watched by us"),
    ),
    "files": CatalogueFixture(
        "FILE-SYNC", "File sync per user", 19.0, 12.0, _made_by("Dropbox", "DBX-BUS-STD-US")
    ),
    "reservation": CatalogueFixture("AZ-RI-D2S", "Reserved cloud server", 95.0, 70.0),
    "rmm": CatalogueFixture("RMM-SEAT", "Remote monitoring per device", 3.5, 1.2),
    "bundle": CatalogueFixture("WORKPLACE-BUNDLE", "Workplace bundle", 60.0, 40.0, kind="Bundle"),
    "legacy": CatalogueFixture("AV-LEGACY", "Antivirus (discontinued)", 3.0, 1.0, inactive=True),
}


@dataclass(frozen=True, slots=True)
class OfferFixture:
    """An offer with the product that bills it; `how` says whether the exact rule or a person maps it."""

    offer: str
    item: str | None
    how: str


SERVICES = (
    OfferFixture("basic", "basic", EXACT),
    OfferFixture("standard", "standard", EXACT),
    # Two terms of one part number are two services of one name: no exact rule can tell them apart.
    OfferFixture("premium", "premium", BY_HAND),
    OfferFixture("premium-monthly", "premium", BY_HAND),
    OfferFixture("exchange", "exchange", EXACT),
    OfferFixture("backup", "backup", EXACT),
    OfferFixture("antivirus", "antivirus", EXACT),
    OfferFixture("defender", "edr", BY_HAND),
    OfferFixture("files", "files", BY_HAND),
    OfferFixture("reservation", "reservation", BY_HAND),
    OfferFixture("marketplace-api", None, EXCLUDED),
)


@dataclass(frozen=True, slots=True)
class CustomerFixture:
    """A customer with its company in the PSA, if any; `company` is a key of COMPANIES."""

    name: str
    company: str | None
    how: str


ACCOUNTS = {
    "alpine": CustomerFixture("Alpine Architects", "alpine", EXACT),
    "bluebird": CustomerFixture("Bluebird Bakery", "bluebird", EXACT),
    "cedar": CustomerFixture("Cedar Grove Veterinary", "cedar", EXACT),
    "delta": CustomerFixture("Delta Freight Lines", "delta", EXACT),
    "evergreen": CustomerFixture("Evergreen Accounting", "evergreen", EXACT),
    "foxglove": CustomerFixture("Foxglove Interiors", "foxglove", EXACT),
    "granite": CustomerFixture("Granite Law Group", "granite", EXACT),
    "harborview": CustomerFixture("Harborview Hotels", "harborview", EXACT),
    "northwind": CustomerFixture("Northwind Logistics", "northwind", BY_HAND),
    "contoso": CustomerFixture("Contoso Dental", "contoso", BY_HAND),
    "fabrikam": CustomerFixture("Fabrikam Robotics", "fabrikam", BY_HAND),
    "own": CustomerFixture("Marketplace API", None, EXCLUDED),
}
# Two companies share a name, and two are named otherwise than their customer: no exact rule finds them.
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
