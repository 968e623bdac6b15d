"""What helps to recognise a company or a product; odd evidence is left out, and the thing stands."""

from typing import Any

import pytest
from arbitrary_json import rows as arbitrary_rows
from connectwise import recorded
from hypothesis import given

from psa_sync.connectors.connectwise import rows
from psa_sync.psa import CatalogueItem, Company
from shared.http_client.json_document import OversizedNumber

ODD: list[Any] = [
    None,
    True,
    1.5,
    "",
    "x" * 5_000,
    "Con\x00toso",
    "\ud83d",
    "robin@",
    [],
    {},
    [7, None, [], {}],
    {"name": []},
    {"name": "x" * 5_000},
    OversizedNumber(520_000),
]
COMPANY_FIELDS = ("taxIdentifier", "website", "city", "zip", "country", "status", "types")
PRODUCT_FIELDS = (
    *("customerDescription", "manufacturerPartNumber", "manufacturer", "vendor", "category", "productClass"),
)
COMPANY = {"id": 7, "identifier": "Contoso", "name": "Contoso, Ltd."}
PRODUCT = {"id": 8, "identifier": "EDR", "description": "EDR per seat"}
BARE_COMPANY = Company("7", "Contoso", "Contoso, Ltd.")
BARE_PRODUCT = CatalogueItem("8", "EDR", "EDR per seat", active=True)


def test_a_company_has_its_place_website_and_number_and_nothing_of_a_person() -> None:
    assert rows.company(recorded("companies")[0]) == Company(
        "19297",
        "AcmeCo",
        "Acme Co",
        tax_id="123456789",
        domains=("acme.example",),
        town="Austin",
        postcode="78701",
        country="US",
        status="Active",
        types=("Client", "Vendor"),
    )


def test_a_product_has_its_maker_part_number_and_description() -> None:
    assert rows.product(recorded("catalog")[0]) == CatalogueItem(
        "512",
        "EDR-SEAT",
        "EDR per seat",
        active=True,
        description="Detection and response for one workstation",
        manufacturer_part_number="EDR-1Y",
        vendor="Bitdefender",
        category="Security",
        product_class="Agreement",
    )


def test_without_a_maker_the_vendor_is_from_whom_it_is_bought() -> None:
    assert rows.product({**PRODUCT, "vendor": {"id": 1, "name": "Distributor"}}).vendor == "Distributor"


def test_a_description_that_repeats_the_name_tells_nothing() -> None:
    assert rows.product({**PRODUCT, "customerDescription": "EDR per seat"}) == BARE_PRODUCT


def test_a_company_and_a_product_may_lack_all_of_it() -> None:
    assert rows.company(COMPANY) == BARE_COMPANY
    assert rows.product(PRODUCT) == BARE_PRODUCT


@pytest.mark.parametrize(
    "country", [{"identifier": "GB", "name": "?"}, {"name": "United Kingdom"}, {"name": "uk"}]
)
def test_a_country_is_read_by_its_code_or_its_name(country: dict[str, str]) -> None:
    assert rows.company({**COMPANY, "country": country}).country == "GB"


@pytest.mark.parametrize("field", COMPANY_FIELDS)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:20])
def test_odd_evidence_is_left_out_and_the_company_stands(field: str, odd: Any) -> None:
    assert rows.company({**COMPANY, field: odd}) == BARE_COMPANY


@pytest.mark.parametrize("field", PRODUCT_FIELDS)
@pytest.mark.parametrize(
    "odd", [odd for odd in ODD if not (isinstance(odd, str) and odd.startswith("x"))], ids=ascii
)
def test_odd_evidence_is_left_out_and_the_product_stands(field: str, odd: Any) -> None:
    assert rows.product({**PRODUCT, field: odd}) == BARE_PRODUCT


def test_a_long_description_is_shortened() -> None:
    long = rows.product({**PRODUCT, "customerDescription": "Seat " * 1_200}).description

    assert long
    assert (len(long), long[-1]) == (500, "…")


def test_the_same_types_in_another_order_are_no_news() -> None:
    types = [{"id": 1, "name": "Vendor"}, {"id": 2, "name": "Client"}, {"id": 2, "name": "Client"}]

    assert rows.company({**COMPANY, "types": types}) == rows.company({**COMPANY, "types": types[::-1]})
    assert rows.company({**COMPANY, "types": types}).types == ("Client", "Vendor")


def test_of_many_types_ten_are_told() -> None:
    types = [{"id": number, "name": f"Type {number}"} for number in range(5_000)]

    assert len(rows.company({**COMPANY, "types": types}).types) == 10


@given(evidence=arbitrary_rows((*COMPANY_FIELDS, *PRODUCT_FIELDS, "name", "identifier")))
def test_whatever_the_evidence_is_company_and_product_stand(evidence: Any) -> None:
    every = dict.fromkeys((*COMPANY_FIELDS, *PRODUCT_FIELDS), evidence)
    fields = evidence if isinstance(evidence, dict) else every

    company, product = (
        rows.company({**every, **fields, **COMPANY}),
        rows.product({**every, **fields, **PRODUCT}),
    )

    assert (company.company_id, company.name) == ("7", "Contoso, Ltd.")
    assert (product.product_id, product.name) == ("8", "EDR per seat")
