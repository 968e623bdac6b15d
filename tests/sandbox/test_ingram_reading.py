"""Lists and details of the marketplace, with the quirks that a reader has to cope with."""

from decimal import Decimal
from typing import Any

import pytest
from sandboxes import Sandbox

Json = dict[str, Any]


async def subscriptions(sandbox: Sandbox, **query: Any) -> Json:
    answer: Json = (await sandbox.ingram.get("subscriptions", params=query)).raise_for_status().json()
    return answer


async def test_list_rows_carry_no_products_no_quantity_and_no_price(sandbox: Sandbox) -> None:
    rows = (await subscriptions(sandbox, limit=500))["data"]

    assert rows
    assert not any(row.keys() & {"products", "quantity", "totalPrice"} for row in rows)


async def test_a_page_has_ten_rows_unless_asked_otherwise(sandbox: Sandbox) -> None:
    page = await subscriptions(sandbox)

    assert len(page["data"]) == 10
    assert page["pagination"] == {"offset": 0, "limit": 10, "total": 30}


async def test_walking_the_pages_meets_every_subscription_once(sandbox: Sandbox) -> None:
    pages = [await subscriptions(sandbox, offset=offset, limit=7) for offset in range(0, 35, 7)]

    ids = [row["id"] for page in pages for row in page["data"]]
    assert len(ids) == len(set(ids)) == 30


async def test_a_page_past_the_end_is_empty_and_still_counts(sandbox: Sandbox) -> None:
    page = await subscriptions(sandbox, offset=500)

    assert page["data"] == []
    assert page["pagination"]["total"] == 30


async def test_lists_are_newest_first(sandbox: Sandbox) -> None:
    rows = (await subscriptions(sandbox, limit=500))["data"]

    created = [row["creationDate"] for row in rows]
    assert created == sorted(created, reverse=True)


async def test_a_status_narrows_the_list(sandbox: Sandbox) -> None:
    rows = (await subscriptions(sandbox, status="hold", limit=500))["data"]

    assert {row["status"] for row in rows} == {"hold"}


@pytest.mark.parametrize("status", ["active,hold", "bogus", "Active"])
async def test_anything_but_one_known_status_is_refused(sandbox: Sandbox, status: str) -> None:
    answer = await sandbox.ingram.get("subscriptions", params={"status": status})

    assert answer.status_code == 400
    assert answer.json()["path"] == "/subscriptions"


async def test_an_unknown_parameter_is_ignored_and_returns_everything(sandbox: Sandbox) -> None:
    page = await subscriptions(sandbox, modifiedSince="2026-01-01", expand="products")

    assert page["pagination"]["total"] == 30


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"offset": "-1"}], ids=str)
async def test_a_senseless_offset_or_limit_is_refused(sandbox: Sandbox, query: dict[str, str]) -> None:
    answer = await sandbox.ingram.get("subscriptions", params=query)

    assert answer.status_code == 400


async def test_subscriptions_can_be_narrowed_to_a_customer_and_a_span_of_days(sandbox: Sandbox) -> None:
    customer = (await sandbox.part("two_subscriptions"))["vendor_account_id"]

    rows = (await subscriptions(sandbox, customerId=customer, creationDateTo="2026-11-20"))["data"]
    none = (await subscriptions(sandbox, customerId=customer, creationDateFrom="2026-11-20"))["data"]

    assert {row["customerId"] for row in rows} == {customer}
    assert (len(rows), none) == (3, [])


async def test_a_day_that_is_none_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.ingram.get("subscriptions", params={"creationDateFrom": "yesterday"})

    assert answer.status_code == 400


async def test_the_detail_has_the_quantity_and_money_in_decimal_strings(sandbox: Sandbox) -> None:
    part = await sandbox.part("increase")

    detail = (await sandbox.ingram.get(f"subscriptions/{part['subscription_ids'][0]}")).json()

    product = detail["products"][0]
    assert product["quantity"] == part["vendor_quantity_before"]
    assert product["unitPrice"] == {"currency": "USD", "amount": "6.0"}
    assert Decimal(detail["totalPrice"]["amount"]) == 6 * part["vendor_quantity_before"]


async def test_a_subscription_without_quantity_has_no_products_at_all(sandbox: Sandbox) -> None:
    part = await sandbox.part("without_quantity")

    detail = (await sandbox.ingram.get(f"subscriptions/{part['subscription_ids'][0]}")).json()

    assert "products" not in detail
    assert "totalPrice" not in detail


@pytest.mark.parametrize("path", ["subscriptions/999", "customers/999"])
async def test_an_unknown_id_is_a_bad_request_and_not_a_missing_page(sandbox: Sandbox, path: str) -> None:
    answer = await sandbox.ingram.get(path)

    assert answer.status_code == 400
    assert "No entity has been found" in answer.json()["message"]


async def test_customers_are_found_by_name_and_external_id(sandbox: Sandbox) -> None:
    named = (await sandbox.ingram.get("customers", params={"name": "granite"})).json()["data"]
    known = (await sandbox.ingram.get("customers", params={"externalId": "CRM-000"})).json()["data"]

    assert [row["name"] for row in named] == ["Granite Law Group"]
    assert [row["name"] for row in known] == ["Alpine Architects"]


async def test_a_customer_has_the_same_page_as_its_row(sandbox: Sandbox) -> None:
    row = (await sandbox.ingram.get("customers")).json()["data"][0]

    detail = (await sandbox.ingram.get(f"customers/{row['id']}")).json()

    assert detail == row


async def test_one_subscription_is_in_another_currency(sandbox: Sandbox) -> None:
    details = (await sandbox.control("state"))["ingram-micro"]["subscriptions"]

    currencies = [detail["totalPrice"]["currency"] for detail in details if "totalPrice" in detail]

    assert sorted(set(currencies)) == ["EUR", "USD"]
    assert currencies.count("EUR") == 1
