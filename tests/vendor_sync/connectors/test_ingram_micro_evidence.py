"""What helps to recognise a customer; odd evidence is left out, and the customer stands."""

from typing import Any

import pytest
from arbitrary_json import rows
from hypothesis import given

from shared.http_client.json_document import OversizedNumber
from vendor_sync.connectors.ingram_micro.rows import account_of
from vendor_sync.marketplace import Customer

ODD: list[Any] = [
    None,
    True,
    7,
    1.5,
    "",
    "x" * 5_000,
    "Con\x00toso",
    "\ud83d",
    [],
    {},
    [7, None, []],
    {"city": {}, "postalCode": []},
    OversizedNumber(520_000),
]
BARE = Customer("1", "Contoso", None, "active")


def a_customer(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "name": "Contoso", "status": "active", **fields}


def test_the_domains_are_those_of_all_contacts_but_public_mail() -> None:
    emails = (
        "robin@contoso.com",
        "Kim@Fabrikam.com",
        "jo@contoso.com",
        "robin@gmail.com",
        "office@www.contoso.org",
    )
    contacts = [{"email": email} for email in emails]

    assert account_of(a_customer(contactPersons=contacts)).domains == (
        "contoso.com",
        "contoso.org",
        "fabrikam.com",
    )


def test_a_number_stands_for_the_text_that_is_meant() -> None:
    customer = account_of(a_customer(taxRegId=123456789, address={"postalCode": 78701}))

    assert (customer.tax_id, customer.postcode) == ("123456789", "78701")


def test_an_external_id_that_is_an_address_of_somebody_is_none() -> None:
    assert account_of(a_customer(externalId="CRM-7")).external_id == "CRM-7"
    assert account_of(a_customer(externalId="robin@contoso.com")).external_id is None


def test_a_row_of_a_list_may_lack_all_of_it() -> None:
    assert account_of(a_customer()) == BARE


@pytest.mark.parametrize("field", ["taxRegId", "address", "contactPersons"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:20])
def test_odd_evidence_is_left_out_and_the_customer_stands(field: str, odd: Any) -> None:
    assert account_of(a_customer(**{field: odd})) == BARE


@pytest.mark.parametrize("field", ["city", "postalCode", "countryCode"])
@pytest.mark.parametrize("odd", [one for one in ODD if one != 7], ids=lambda odd: ascii(odd)[:20])
def test_an_odd_part_of_an_address_is_left_out_alone(field: str, odd: Any) -> None:
    address = {"city": "London", "postalCode": "SW1A 1AA", "countryCode": "GB", field: odd}

    customer = account_of(a_customer(address=address))

    place = {"city": customer.town, "postalCode": customer.postcode, "countryCode": customer.country}
    assert place == {"city": "London", "postalCode": "SW1A 1AA", "countryCode": "GB", field: None}


@given(evidence=rows(("taxRegId", "address", "contactPersons", "city", "postalCode", "countryCode", "email")))
def test_whatever_the_evidence_is_the_customer_stands(evidence: Any) -> None:
    fields = evidence if isinstance(evidence, dict) else {"address": evidence, "contactPersons": evidence}

    customer = account_of({**fields, **a_customer()})

    assert (customer.account_id, customer.name, customer.status) == ("1", "Contoso", "active")
