"""Reads a provider's word for a country as its ISO 3166-1 code."""

# Invariant: a code comes out only for a word that means one country: a code of two or three letters, a name
# in the standard, or one of the usual names below. Everything else, odd values among them, is None.
#
#   "us", "USA", "United States", "United States of America"   US
#   "England", "UK", "Great Britain"                           GB
#   "Europe", "XX", "", 7, None                                None

from typing import Any, Final

from iso3166 import countries

_MOST_CHARACTERS: Final = 100
_USUAL_NAMES: Final = {
    "america": "US",
    "bolivia": "BO",
    "brasil": "BR",
    "czech republic": "CZ",
    "danmark": "DK",
    "deutschland": "DE",
    "england": "GB",
    "españa": "ES",
    "great britain": "GB",
    "holland": "NL",
    "iran": "IR",
    "italia": "IT",
    "ivory coast": "CI",
    "macedonia": "MK",
    "méxico": "MX",
    "moldova": "MD",
    "nederland": "NL",
    "netherlands": "NL",
    "norge": "NO",
    "northern ireland": "GB",
    "republic of ireland": "IE",
    "russia": "RU",
    "schweiz": "CH",
    "scotland": "GB",
    "south korea": "KR",
    "suisse": "CH",
    "sverige": "SE",
    "svizzera": "CH",
    "taiwan": "TW",
    "tanzania": "TZ",
    "the netherlands": "NL",
    "turkey": "TR",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "uk": "GB",
    "united kingdom": "GB",
    "united states": "US",
    "venezuela": "VE",
    "vietnam": "VN",
    "wales": "GB",
    "österreich": "AT",
}
"""What people write and the standard calls otherwise: "Korea, Republic of"."""
_BY_WORD: Final = {
    **{
        word.casefold(): country.alpha2
        for country in countries
        for word in (country.alpha2, country.alpha3, country.name, country.apolitical_name)
    },
    **_USUAL_NAMES,
}


def country_code(value: Any) -> str | None:
    """Returns the two capital letters of the country that the word names; None when it names none."""
    if not isinstance(value, str) or len(value) > _MOST_CHARACTERS:
        return None
    return _BY_WORD.get(" ".join(value.casefold().split()))
