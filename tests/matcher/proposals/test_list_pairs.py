"""Which items of two plain lists map themselves."""

from collections.abc import Sequence

import pytest

from matcher.proposals.list_items import account_item, offering_item
from matcher.proposals.records import AccountRecord, ServiceRecord
from matcher.proposals.trial import exact_pairs
from matcher.proposals.trial_lists import AccountRow, ProductRow, VendorServiceRow
from shared.contracts.base import Side
from shared.contracts.matcher import NameEquality
from tests.bench.matching.accounts import labelled_accounts
from tests.bench.matching.models import LabelledSet
from tests.bench.matching.services import labelled_services


def exact_accounts(
    vendor: Sequence[AccountRecord],
    psa: Sequence[AccountRecord],
    equality: NameEquality = NameEquality.EXACT,
) -> dict[str, str]:
    ours = [account_item(Side.VENDOR, one) for one in vendor]
    return exact_pairs(ours, [account_item(Side.PSA, one) for one in psa], equality)


def exact_services(
    vendor: Sequence[ServiceRecord],
    psa: Sequence[ServiceRecord],
    equality: NameEquality = NameEquality.EXACT,
) -> dict[str, str]:
    ours = [offering_item(Side.VENDOR, one) for one in vendor]
    return exact_pairs(ours, [offering_item(Side.PSA, one) for one in psa], equality)


def wrong_pairs(labelled: LabelledSet, found: dict[str, str]) -> dict[str, str]:
    return {id_: psa for id_, psa in found.items() if labelled.truth[id_].psa_id != psa}


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


@pytest.mark.parametrize("equality", NameEquality)
@pytest.mark.parametrize("names_alone", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_account_of_a_labelled_set_is_mapped_wrongly(
    equality: NameEquality, names_alone: bool, seed: int
) -> None:
    labelled = labelled_accounts(1_500, seed, names_alone=names_alone)
    vendor, psa = (
        [AccountRow.model_validate(row).record() for row in rows] for rows in (labelled.vendor, labelled.psa)
    )

    found = exact_accounts(vendor, psa, equality)

    assert wrong_pairs(labelled, found) == {}
    assert len(found) > 100


@pytest.mark.parametrize("equality", NameEquality)
@pytest.mark.parametrize("seed", range(3))
def test_no_service_of_a_labelled_set_is_mapped_wrongly(equality: NameEquality, seed: int) -> None:
    labelled = labelled_services(300, 900, seed)
    tenants = {row["tenant"] for row in labelled.vendor}
    found: dict[str, str] = {}
    for tenant in tenants:
        vendor = [VendorServiceRow.model_validate(row) for row in labelled.vendor if row["tenant"] == tenant]
        psa = [ProductRow.model_validate(row) for row in labelled.psa if row["tenant"] == tenant]
        found |= exact_services([row.record() for row in vendor], [row.record() for row in psa], equality)

    assert wrong_pairs(labelled, found) == {}


def test_spelling_maps_more_where_it_does_not_count() -> None:
    vendor, psa = [AccountRecord("v1", "Contoso, Ltd.")], [AccountRecord("p1", "CONTOSO")]

    assert exact_accounts(vendor, psa) == {}
    assert exact_accounts(vendor, psa, NameEquality.NORMALISED) == {"v1": "p1"}
