"""Reads names from packages that `requirements/names.txt` pins; they are data to us, and are never imported.

Half of the real names are the bench's and half are free for training, by a checksum of the name; see
`is_for_bench`.  So nobody can train on what is measured, though both may read the same package.
"""

import csv
import json
from pathlib import Path
from zlib import crc32

from tests.bench.matching.companies import NameStock

_CODES = {
    "united states": "US", "japan": "JP", "china": "CN", "south korea": "KR", "india": "IN", "canada": "CA",
    "australia": "AU", "hong kong": "HK", "germany": "DE", "united kingdom": "GB", "sweden": "SE",
    "taiwan": "TW",
    "malaysia": "MY", "poland": "PL", "france": "FR", "brazil": "BR", "singapore": "SG", "mexico": "MX",
    "switzerland": "CH", "israel": "IL", "italy": "IT", "turkey": "TR", "austria": "AT", "south africa": "ZA",
    "norway": "NO", "spain": "ES", "finland": "FI", "denmark": "DK", "belgium": "BE", "new zealand": "NZ",
    "netherlands": "NL", "ireland": "IE", "portugal": "PT", "greece": "GR", "philippines": "PH",
}  # fmt: skip
_LANGUAGES = {
    "US": "en", "GB": "en-gb", "AU": "en-au", "CA": "en-ca", "DE": "de", "AT": "de-at", "CH": "de-ch",
    "NL": "nl",
    "BE": "nl-be", "FR": "fr", "SE": "sv", "DK": "da", "NO": "no", "FI": "fi", "ES": "es", "IT": "it",
}  # fmt: skip


def is_for_bench(name: str) -> bool:
    """Tell whether a real name is measured with; the others are free to train with."""
    return crc32(name.casefold().encode()) % 2 == 0


def read_stock(directory: Path) -> NameStock:
    """Return the names of the packages in a folder, in an order that depends on nothing but them."""
    languages = {
        country: directory / "mimesis" / "datasets" / folder for country, folder in _LANGUAGES.items()
    }
    return NameStock(
        real=_company_names(directory / "investpy" / "resources" / "stocks.csv"),
        surnames={code: _words(folder / "person.json", "surnames") for code, folder in languages.items()},
        towns={code: _words(folder / "address.json", "city") for code, folder in languages.items()},
    )


def _company_names(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["full_name"].strip(), _CODES.get(row["country"], "")) for row in csv.DictReader(file)]
    return sorted(
        {name: (name, code) for name, code in rows if name and code and is_for_bench(name)}.values()
    )


def _words(path: Path, field: str) -> list[str]:
    if not path.exists():
        return []
    found = json.loads(path.read_text("utf-8")).get(field, [])
    return [word for word in found if isinstance(word, str)]
