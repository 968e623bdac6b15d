"""Short codes of people: a vendor at the beginning, a term at the end, beginnings of words between them."""

import pytest

from matcher.proposals.records import ServiceRecord
from matcher.proposals.services import VendorLexicon, read_service, vendor_lexicon_of
from matcher.proposals.short_codes import (
    ShortCode,
    VendorNames,
    beginnings_of_pairs,
    initials_of_runs,
    read_code,
)

NAMES = VendorNames([("sophos",), ("knowbe4",), ("trend", "micro"), ("proofpoint",), ("eset",), ("essence",)])


@pytest.mark.parametrize(
    ("pieces", "read"),
    [
        ("sopixa1ya", ShortCode(("ixa",), ("sopixa",), frozenset({"sophos"}), "1y", "1y")),
        ("kb4gold1mm", ShortCode(("gold",), ("kb4gold",), frozenset({"knowbe4"}), "1m", "1m")),
        ("tmwfsa3ym", ShortCode(("wfsa",), ("tmwfsa",), frozenset({"trend", "micro"}), "3y", "1m")),
        ("kb4 plat", ShortCode(("plat",), ("kb4", "plat"), frozenset({"knowbe4"}))),
        ("eset cmp", ShortCode(("cmp",), ("eset", "cmp"), frozenset({"eset"}))),
        ("m365 bp", ShortCode(("m365", "bp"), ("m365", "bp"))),
        ("pro", ShortCode(("pro",), ("pro",))),
        ("edr", ShortCode(("edr",), ("edr",))),
    ],
)
def test_a_code_is_read_as_vendor_product_and_term(pieces: str, read: ShortCode) -> None:
    assert read_code(pieces.split(), NAMES) == read


def test_what_looks_like_a_vendor_may_be_the_beginning_of_a_word() -> None:
    code = read_code(("sopra1ya",), NAMES)

    assert (code.words, code.pieces) == (("ra",), ("sopra",))


def test_a_short_form_of_two_vendors_names_none() -> None:
    assert read_code(("es", "cmp"), NAMES).vendors == frozenset()


def test_a_professional_product_is_not_taken_for_proofpoints() -> None:
    assert read_code(("pro", "plan"), NAMES).vendors == frozenset()


def test_words_side_by_side_are_shortened_to_their_beginnings() -> None:
    words = ("phish", "threat", "advanced")
    pairs, initials = beginnings_of_pairs(words), initials_of_runs(words)

    assert pairs["pht"] == pairs["pt"] == pairs["phishthre"] == ("phish", "threat")
    assert initials == {"pt": words[:2], "ta": words[1:], "pta": words}
    assert "pa" not in pairs  # they do not stand side by side


def service(name: str, vendor: str) -> ServiceRecord:
    return ServiceRecord("s", name, vendor=vendor)


def product(code: str) -> ServiceRecord:
    return ServiceRecord("p", code, code, is_code_text=True)


def test_a_product_that_is_nothing_but_its_code_says_vendor_words_and_periods() -> None:
    lexicon = vendor_lexicon_of([service("Intercept X Advanced", "Sophos")])

    read = read_service(product("SOPIXA1YM"), lexicon)

    assert (read.words, set(read.vendors)) == (("ixa",), {"sophos"})
    assert (read.term, read.billing) == ("1 year", "1 month")


def test_words_that_say_nothing_have_initials_too() -> None:
    read = read_service(service("Worry-Free Services Advanced", "Trend Micro"), VendorLexicon())

    assert read.initials["wfsa"] == ("worry", "free", "advanced")
