"""Which items of two plain lists map themselves."""

import pytest

from matcher.proposals.exact_pairs import exact_accounts, exact_services
from matcher.proposals.records import AccountRecord, ServiceRecord


def test_equal_names_that_are_unique_on_both_sides_map_themselves() -> None:
    vendor = [
        AccountRecord("v1", "Contoso"),
        AccountRecord("v2", "Fabrikam"),
        AccountRecord("v3", "Fabrikam"),
    ]
    psa = [
        AccountRecord("p1", "Contoso"),
        AccountRecord("p2", "Fabrikam"),
        AccountRecord("p3", "contoso ltd"),
    ]
    assert exact_accounts(vendor, psa) == {"v1": "p1"}


def test_duplicates_in_the_psa_are_never_mapped() -> None:
    vendor = [AccountRecord("v1", "Contoso")]
    assert exact_accounts(vendor, [AccountRecord("p1", "Contoso"), AccountRecord("p2", "Contoso")]) == {}


@pytest.mark.parametrize("text", ["", " ", "-", "...", "?"])
def test_a_text_without_a_letter_or_digit_maps_nothing(text: str) -> None:
    assert exact_accounts([AccountRecord("v1", text)], [AccountRecord("p1", text)]) == {}
    assert exact_services([ServiceRecord("v1", "A", text)], [ServiceRecord("p1", "B", text)]) == {}


def test_a_name_in_any_script_maps_itself() -> None:
    assert exact_accounts([AccountRecord("v1", "日本")], [AccountRecord("p1", "日本")]) == {"v1": "p1"}


def test_equal_names_with_other_tax_ids_or_countries_are_two_firms() -> None:
    vendor = [AccountRecord("v1", "Contoso", tax_id="DE 111"), AccountRecord("v2", "Fabrikam", country="DE")]
    psa = [AccountRecord("p1", "Contoso", tax_id="DE222"), AccountRecord("p2", "Fabrikam", country="US")]
    assert exact_accounts(vendor, psa) == {}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("GB123456789", "123456789"),
        ("DE811234567", "DE 811 234 567"),
        ("CHE123456789MWST", "CHE-123.456.789"),
        ("NL123456789B01", "123456789"),
        ("FR40303265045", "303265045"),
    ],
)
def test_one_tax_id_written_in_two_ways_makes_no_two_firms(ours: str, theirs: str) -> None:
    vendor, psa = (
        [AccountRecord("v1", "Contoso", tax_id=ours)],
        [AccountRecord("p1", "Contoso", tax_id=theirs)],
    )

    assert exact_accounts(vendor, psa) == {"v1": "p1"}
    assert exact_accounts(psa, vendor) == {"p1": "v1"}


def test_equal_names_with_another_term_are_two_products() -> None:
    vendor = [
        ServiceRecord("v1", "Entra ID P1", "CFQ7TTC0LFLS:0002", term="1 year", billing_period="1 month")
    ]
    monthly = ServiceRecord("p1", "Entra ID P1", "ENTRA-P1-1M-M", is_code_text=True)
    yearly = ServiceRecord("p1", "Entra ID P1", "ENTRA-P1-1Y-M", is_code_text=True)
    assert exact_services(vendor, [monthly]) == {}
    assert exact_services(vendor, [yearly]) == {"v1": "p1"}


def test_the_part_number_is_tried_before_the_name() -> None:
    vendor = [ServiceRecord("v1", "Entra ID P1", "CFQ7TTC0LFLS:0002")]
    psa = [
        ServiceRecord("p1", "Entra ID P1", "ENTRA", is_code_text=True),
        ServiceRecord("p2", "Directory", "CFQ7TTC0LFLS:0002", is_code_text=True),
    ]
    assert exact_services(vendor, psa) == {"v1": "p2"}
