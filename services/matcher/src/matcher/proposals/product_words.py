"""The words in which cloud products are named and abbreviated, and the forms that stand for all of them."""

from matcher.proposals.word_lists import load_lists, substitutes

_LISTS = load_lists("product_words.toml")

PHRASES = substitutes(_LISTS["phrases"])
WORDS = substitutes(_LISTS["words"])
VENDOR_WORDS, EDITION_WORDS = frozenset(_LISTS["vendors"].split()), frozenset(_LISTS["editions"].split())
