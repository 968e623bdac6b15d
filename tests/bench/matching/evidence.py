"""Writes the records of both sides: a name and as much evidence as that side's people filled in.

Field names are those of the trial's JSON.  About two in five items carry their name alone, as lists that
people export by hand do; where the marketplace knows more, some of it is stale or shared by branches.
"""

import re
from random import Random

from tests.bench.matching.models import Business, Record

_BARE = 0.4
"""The share of items with a name and nothing else."""
_VENDOR = {"country": 0.95, "town": 0.6, "postcode": 0.6, "domains": 0.5, "taxId": 0.15}
_PSA = {"country": 0.7, "town": 0.7, "postcode": 0.65, "domains": 0.55, "taxId": 0.15}
_STALE = 0.02
"""The share of towns and postcodes from before the business moved."""

TOLD_APART = ("domains", "taxId")
"""Evidence that names one business."""


def vendor_record(name: str, business: Business, random: Random) -> Record:
    record = {"name": name, **_evidence(business, _VENDOR, random)}
    if random.random() < 0.25:
        record["externalId"] = f"{random.randrange(10**5, 10**6)}"
    return record


def psa_record(name: str, business: Business, random: Random) -> Record:
    record = {"name": name, "identifier": _identifier(business, random), **_evidence(business, _PSA, random)}
    if random.random() < 0.5:
        record |= {
            "status": "Active",
            "types": [random.choice(("Client", "Customer", "Managed", "Prospect"))],
        }
    return record


def prove(vendor: Record, psa: Record, business: Business, random: Random) -> None:
    """Give both records the same strong evidence, so that the pair can be seen whatever the names say."""
    chance = random.random()
    if chance < 0.2:
        vendor["externalId"] = psa["identifier"]
    for field, value in facts(business).items():
        if field in TOLD_APART and (chance >= 0.6 or field == TOLD_APART[chance < 0.4]):
            vendor[field], psa[field] = value, _written(field, value, random)
    vendor["country"] = psa["country"] = business.country


def keep_name(record: Record) -> None:
    """Take everything from a record but its name and its PSA identifier."""
    for field in [*record]:
        if field not in ("id", "name", "identifier"):
            del record[field]


def tell_place(record: Record, business: Business) -> None:
    """Give a record the place that tells it from its twin elsewhere."""
    record |= {field: value for field, value in facts(business).items() if value}


def facts(business: Business) -> Record:
    """Return all that there is to know about a business, by the names of the trial's JSON."""
    return {
        "country": business.country,
        "town": business.town,
        "postcode": business.postcode,
        "domains": [business.domain],
        "taxId": business.tax_id,
    }


def _evidence(business: Business, shares: dict[str, float], random: Random) -> Record:
    if random.random() < _BARE:
        return {}
    found = {
        field: _written(field, value, random)
        for field, value in facts(business).items()
        if value and random.random() < shares[field]
    }
    if "postcode" in found and random.random() < _STALE:
        found["postcode"] = f"{random.randrange(10**4, 10**5)}"
        found.pop("town", None)
    return found


def _written(field: str, value: str | list[str], random: Random) -> str | list[str]:
    """Return evidence as either side writes it: spaces and case differ, and numbers lose their dots."""
    if not isinstance(value, str) or random.random() < 0.7:
        return value
    if field == "taxId":
        return re.sub(r"[\s.-]", "", value)
    if field == "postcode":
        return value.replace(" ", "").lower()
    return value.upper() if field == "town" else value


def _identifier(business: Business, random: Random) -> str:
    letters = re.sub(r"\W", "", business.latin or business.core)
    code = f"{letters[:3].upper()}{random.randrange(1000):03}"
    return random.choice((letters[:25], letters[:20].upper(), code, f"{random.randrange(10**5)}"))
