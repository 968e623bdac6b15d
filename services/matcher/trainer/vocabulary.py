"""The words that training lists are composed of (`vocabulary.toml`)."""

from matcher.proposals.word_lists import load_lists, split_list

_LISTS = load_lists("vocabulary.toml", "trainer")

SURNAMES, PLACES, ADJECTIVES, NOUNS, SYLLABLES, ENDINGS, BRANDS = (
    _LISTS[name].split()
    for name in ("surnames", "places", "adjectives", "nouns", "syllables", "endings", "brands")
)
TRADES, MICROSOFT, KINDS, TIERS = (
    split_list(_LISTS[name]) for name in ("trades", "microsoft", "kinds", "tiers")
)
SHAPES, TWINS, NOTES = (split_list(_LISTS[name]) for name in ("shapes", "twins", "notes"))
OPPOSITES = [group.split() for group in split_list(_LISTS["opposites"])]
FORMS: dict[str, list[str]] = _LISTS["forms"]
"""Legal forms by country."""
OTHERS = {vendor: split_list(products) for vendor, products in _LISTS["others"].items()}
"""Products by their vendor."""
SHORT_NAMES: dict[str, str] = _LISTS["short_names"]
SHORT_PRODUCTS: dict[str, list[str]] = _LISTS["short_products"]
FORMER_PRODUCTS: dict[str, str] = _LISTS["former_products"]

PERIODS = (
    ("1 month", "1 month"),
    ("1 year", "1 month"),
    ("1 year", "1 year"),
    ("3 years", "1 month"),
    ("3 years", "1 year"),
)
"""Term and billing period, as the marketplace's new commerce sells them."""
