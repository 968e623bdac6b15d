"""How a company's name is read."""

import pytest

from matcher.proposals.names import parse


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Contoso Dental LLC", "contoso dental"),
        ("The Müller Bros. Mfg. Co.", "the Muller Brothers Manufacturing Company"),
        ("Müller Maschinenbau GmbH", "Mueller Maschinenbau"),
        ("Fabrikam GmbH & Co. KG", "Fabrikam"),
        ("Smith & Sons", "Smith and Son"),
        ("Unit One", "Unit 1"),
        ("J. B. Hunt Transport", "JB Hunt Transport"),
        ("Contoso Svcs", "Contoso Services"),
        ("PT Hensel Davest Tbk", "Hensel Davest"),
        ("ООО Ромашка", "Romashka"),
        ("Contoso Centre", "Contoso Center"),
        ("Contoso\u200b Dental", "Contoso Dental"),
        ("www.contoso.com", "Contoso"),
        ("ContosoDental", "Contoso Dental"),
    ],
)
def test_two_spellings_of_one_name_have_the_same_stems(one: str, other: str) -> None:
    assert parse(one).stems == parse(other).stems


@pytest.mark.parametrize(
    ("one", "other"),
    [("Smith Plumbing", "Smith Painting"), ("Unit 1", "Unit 2"), ("Contoso North", "Contoso South")],
)
def test_other_names_have_other_stems(one: str, other: str) -> None:
    assert parse(one).stems != parse(other).stems


def test_a_legal_form_is_set_apart_wherever_it_stands() -> None:
    assert parse("Contoso Ltd (Leeds)").words == ("contoso", "leeds")
    assert parse("Contoso Ltd (Leeds)").legal == "ltd"
    assert parse("Contoso Inc").legal == "inc"


def test_a_name_of_nothing_but_legal_forms_keeps_its_words() -> None:
    assert parse("Limited Inc").words == ("limited", "inc")


def test_a_second_name_is_an_alias() -> None:
    assert parse("Contoso Ltd t/a Fabrikam").aliases == ("fabrikam",)
    assert parse("Contoso Ltd t/a Fabrikam").words == ("contoso",)
    assert parse("Contoso (formerly Fabrikam Ltd)").aliases == ("fabrikam ltd",)


@pytest.mark.parametrize("odd", ["", " ", "🦷", "\x00\x01", "...", "-"])
def test_a_text_without_letters_or_figures_has_no_words(odd: str) -> None:
    assert parse(odd).words == ()


@pytest.mark.parametrize(
    "odd", ["A", "x" * 5000, "שלום בעמ", "شركة الاتصالات", "'; DROP TABLE--", "(((", "株式会社"]
)
def test_odd_names_are_read_without_complaint(odd: str) -> None:
    parse(odd)


def test_a_very_long_name_is_read_in_part() -> None:
    assert len(parse("abc " * 2000).compact) <= 300
