"""Which spellings are one name, and which are not; every pair is written by hand."""

import pytest

from matcher.catalogue.normal_names import firm_name, thing_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Contoso", "CONTOSO"),
        ("Contoso", "  contoso  "),
        ("Contoso  Dental", "Contoso-Dental"),
        ("Contoso, Dental.", "Contoso Dental"),
        ("Müller", "MULLER"),
        ("Smith & Sons", "Smith and Sons"),
        ("O'Brien", "OBrien"),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Brien", "O'Brien"),
        ("A.B.C. Motors", "ABC Motors"),
        ("Contoso", "Contoso Ltd"),
        ("Contoso Limited", "Contoso Ltd."),
        ("Contoso", "Contoso G.m.b.H."),
        ("Contoso GmbH & Co. KG", "Contoso"),
        ("Contoso Sp. z o.o.", "Contoso"),
        ("Contoso S.p.A.", "Contoso"),
        ("Contoso Pty Ltd", "Contoso"),
        ("Contoso Sdn. Bhd.", "Contoso"),
        ("Contoso s.r.o.", "Contoso"),
        ("Contoso Public Limited Company", "Contoso PLC"),
        ("Contoso, Inc", "Contoso Incorporated"),
        ("Ærø Sejl ApS", "aero sejl"),
        ("Яблоко", "ЯБЛОКО"),
    ],
)
def test_spellings_of_one_firm_have_one_normal_name(one: str, other: str) -> None:
    assert firm_name(one).words == firm_name(other).words != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Contoso One", "Contoso 1"),
        ("Smith Plumbing", "Smith Painting"),
        ("Smith Plumbing", "Smith Plumbing Leeds"),
        ("Contoso (Leeds)", "Contoso (York)"),
        ("Bella Spa", "Bella"),
        ("Delta Ag", "Delta"),
        ("Desert Dental NV", "Desert Dental"),
        ("Cafe Me", "Cafe"),
        ("Limited Editions", "Editions"),
        ("Dental Care", "Care Dental"),
        ("Dental Care", "DentalCare"),
        ("北京", "背景"),
        ("Jose", "Joseph"),
        ("Store 12", "Store 1 2"),
    ],
)
def test_two_firms_stay_two(one: str, other: str) -> None:
    assert firm_name(one).words != firm_name(other).words


@pytest.mark.parametrize("nothing", ["", " ", "-", "...", "🙂", "\u200b"])
def test_what_says_nothing_has_no_normal_name(nothing: str) -> None:
    assert firm_name(nothing).words == thing_name(nothing) == ""


@pytest.mark.parametrize("form", ["Ltd", "GmbH", "Limited", "S.A."])
def test_a_firm_of_nothing_but_a_legal_form_keeps_it(form: str) -> None:
    assert firm_name(form).words != ""


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Contoso Limited", "ltd"),
        ("Contoso Ltd", "ltd"),
        ("Contoso GmbH", "gmbh"),
        ("Contoso Co., Ltd.", "co ltd"),
        ("Contoso", ""),
    ],
)
def test_the_legal_form_is_told_in_one_spelling(name: str, form: str) -> None:
    assert firm_name(name).legal_form == form


def test_a_product_has_no_legal_form() -> None:
    assert (
        thing_name("Business  Premium (Ltd)") == thing_name("business premium ltd") == "business premium ltd"
    )


def test_a_very_long_name_is_read_as_a_whole() -> None:
    assert firm_name("Contoso " * 1_000 + "Ltd").words.count("contoso") == 1_000
