"""By which words a name or a code is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.catalogue.words import CODE_MARK, has_words, item_words, whole_code, words_of


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Contoso Dental Care LLC", "care contoso"),
        ("Contoso Dental Care LLC", "DENT"),
        ("Ärzte GmbH & Co. KG", "arzte co"),
        ("Arzte GmbH", "Ärzte"),
        ("Straße 12", "strasse"),
        ("Søren Łódź", "soren lodz"),
        ("O'Brien & Sons", "obrien"),
        ("O\u2019Brien & Sons", "brien"),
        ("OBrien", "obrien"),
        ("A$AP", "a$ap"),
        ("C++ Developers", "c ++"),
        ("\N{GRINNING FACE} Toys", "\N{GRINNING FACE}"),
        ("株式会社コントソ", "コントソ"),
        ("株式会社コントソ", "会社"),
        ("שלום בע״מ", "שלום"),
        ("شركة كونتوسو", "كونتوسو"),
        ("caf\u0065\u0301 Zürich", "CAFÉ zurich"),
        ("\ufb01nance", "fin"),
        ("İstanbul Dişçi", "istanbul disci"),
        ("Two\u00a0Words", "words"),
        ("***", "*"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_name_is_found_by_the_beginnings_of_its_words(name: str, search: str) -> None:
    assert has_words(item_words(name, None), words_of(search))


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Contoso Dental", "contoso dentist"),
        ("Contoso", "ontoso"),
        ("Contoso", ".*"),
        ("Contoso", "^contoso"),
        ("Contoso (EMEA)", "|"),
        ("Contoso", CODE_MARK),
        ("***", "**x"),
    ],
)
def test_a_name_is_not_found_by_anything_else(name: str, search: str) -> None:
    assert not has_words(item_words(name, None), words_of(search))


@pytest.mark.parametrize("search", ["M365-BP", "m365", "bp", "m365b", "M365 B", "m-365-bp"[:1]])
def test_a_code_is_found_with_and_without_what_divides_it(search: str) -> None:
    assert has_words(item_words("Business Premium", "M365-BP"), words_of(search))


def test_a_text_of_signs_alone_has_these_as_words() -> None:
    assert [words_of(text) for text in ("", "  ", "(*)", "a(*)")] == [[], [], ["(", "*", ")"], ["a"]]


@given(st.text(max_size=60), st.data())
def test_whatever_is_typed_of_a_name_finds_it(name: str, data: st.DataObject) -> None:
    words = words_of(name)
    typed = [word[: data.draw(st.integers(1, len(word)))] for word in data.draw(st.permutations(words))]

    assert has_words(item_words(name, None), typed)


@given(st.text(max_size=60))
def test_a_name_is_found_by_itself_however_it_is_written(name: str) -> None:
    assert has_words(item_words(name, None), words_of(name))
    assert words_of(name.swapcase()) == words_of(name) or not name.isascii()


@pytest.mark.parametrize("search", ["10-10", "1010", "10-1", "101"])
def test_a_code_that_says_a_thing_twice_is_found_from_its_beginning_on(search: str) -> None:
    words = item_words("Mail", "10-10-5")

    assert has_words(words, words_of(search))
    assert has_words(words, [whole_code(search)])
