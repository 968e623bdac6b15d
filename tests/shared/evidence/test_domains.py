"""One domain has one form, and what says nothing of a company is left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.evidence_fields import is_domain
from shared.evidence.domains import domains_of


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("robin.reyes@Contoso.com", "contoso.com"),
        ("mailto:robin@contoso.com", "contoso.com"),
        ("Robin Reyes <robin@contoso.com>", "contoso.com"),
        ("https://www.contoso.com:443/about?who=robin@fabrikam.com", "contoso.com"),
        ("http://robin:secret@contoso.com/", "contoso.com"),
        ("WWW.CONTOSO.COM.", "contoso.com"),
        ("contoso.co.uk/contact", "contoso.co.uk"),
        ("//contoso.com", None),
        ("shop.contoso.com", "shop.contoso.com"),
        ("www.Bäckerei.example", "xn--bckerei-5wa.example"),
        ("xn--bckerei-5wa.example", "xn--bckerei-5wa.example"),
        ("info@食狮.com.cn", "xn--85x722f.com.cn"),
        ("live.contoso.com", "live.contoso.com"),
        ("contoso.wordpress.com", "contoso.wordpress.com"),
        ("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
    ],
)
def test_an_address_or_a_website_is_its_domain(written: str, domain: str | None) -> None:
    assert domains_of([written]) == ((domain,) if domain else ())


@pytest.mark.parametrize(
    "written",
    ["robin@gmail.com", "robin@Yahoo.co.uk", "robin@hotmail.de", "robin@t-online.de", "robin@live.com.au"],
)
def test_public_mail_is_nobodys_domain(written: str) -> None:
    assert domains_of([written]) == ()


@pytest.mark.parametrize(
    "written",
    ["facebook.com/contoso", "https://de-de.facebook.com/contoso", "wordpress.com", "x.com/contoso"],
)
def test_a_page_inside_another_site_is_nobodys_domain(written: str) -> None:
    assert domains_of([written]) == ()


@pytest.mark.parametrize(
    "odd",
    [
        None,
        True,
        7,
        1.5,
        {"email": "robin@contoso.com"},
        [],
        "",
        "n/a",
        "none",
        "localhost",
        "10.0.0.1",
        "server.local",
        "[::1]",
        "robin@",
        "@",
        "..",
        "a..com",
        "-a.com",
        "con toso",
        "con\x00toso.com",
        "\ud83d.com",
        "x" * 5_000 + ".com",
        "\u202econtoso.com",
        "." * 2_000,
    ],
    ids=ascii,
)
def test_what_is_no_domain_is_left_out(odd: Any) -> None:
    assert domains_of([odd]) == ()


def test_several_are_told_once_each_in_one_order() -> None:
    assert domains_of(["www.b.example, a.example; robin@b.example", "a.example"]) == (
        "a.example",
        "b.example",
    )


def test_of_very_many_ten_are_told() -> None:
    assert len(domains_of([f"d{number}.example" for number in range(500)])) == 10


@given(st.lists(st.text() | st.from_regex(r"\S{0,9}@?[\wäß.-]{0,20}\.[a-z]{0,5}/?\S{0,5}")))
def test_whatever_is_written_only_domains_come_out_and_again_the_same(written: list[str]) -> None:
    found = domains_of(written)

    assert all(is_domain(domain) for domain in found)
    assert domains_of(found) == found
