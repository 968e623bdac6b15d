"""Changes that somebody else makes on either side."""

from typing import Any

import pytest
from sandboxes import Sandbox


async def read_detail(sandbox: Sandbox, subscription_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await sandbox.ingram.get(f"subscriptions/{subscription_id}")).json()
    return found


async def test_a_subscription_changes_in_lists_and_detail(sandbox: Sandbox) -> None:
    subscription = (await sandbox.part("increase"))["subscription_ids"][0]

    await sandbox.control(
        "changes", {"subscriptions": [{"id": subscription, "quantity": 77, "status": "hold"}]}
    )

    held = (await sandbox.ingram.get("subscriptions?status=hold")).json()["data"]
    assert subscription in [row["id"] for row in held]
    assert (await read_detail(sandbox, subscription))["products"][0]["quantity"] == 77
    assert (await read_detail(sandbox, subscription))["lastModifiedDate"] == "2026-11-20"


@pytest.mark.parametrize("quantity", [7, 7.0, "7", 0], ids=repr)
async def test_a_quantity_is_shown_in_the_form_it_was_given(sandbox: Sandbox, quantity: Any) -> None:
    subscription = (await sandbox.part("increase"))["subscription_ids"][0]

    await sandbox.control("changes", {"subscriptions": [{"id": subscription, "quantity": quantity}]})

    shown = (await read_detail(sandbox, subscription))["products"][0]["quantity"]
    assert (shown, type(shown)) == (quantity, type(quantity))


async def test_a_null_quantity_takes_the_products_away(sandbox: Sandbox) -> None:
    subscription = (await sandbox.part("increase"))["subscription_ids"][0]

    await sandbox.control("changes", {"subscriptions": [{"id": subscription, "quantity": None}]})

    assert "products" not in await read_detail(sandbox, subscription)


async def test_a_change_without_a_quantity_leaves_it(sandbox: Sandbox) -> None:
    part = await sandbox.part("increase")
    change = {"id": part["subscription_ids"][0], "customerId": "5", "lastModifiedDate": "2026-01-01"}

    await sandbox.control("changes", {"subscriptions": [change]})

    after = await read_detail(sandbox, part["subscription_ids"][0])
    assert (after["customerId"], after["lastModifiedDate"]) == ("5", "2026-01-01")
    assert after["products"][0]["quantity"] == part["vendor_quantity_before"]


async def test_a_removed_subscription_is_absent_from_list_and_detail(sandbox: Sandbox) -> None:
    subscription = (await sandbox.part("increase"))["subscription_ids"][0]

    await sandbox.control("changes", {"remove_subscriptions": [subscription]})

    rows = (await sandbox.ingram.get("subscriptions?limit=500")).json()["data"]
    assert subscription not in [row["id"] for row in rows]
    assert (await sandbox.ingram.get(f"subscriptions/{subscription}")).status_code == 400


async def test_an_added_subscription_is_the_newest(sandbox: Sandbox) -> None:
    customer = (await sandbox.part("increase"))["vendor_account_id"]
    new = {"customerId": customer, "name": "Teams Phone", "mpn": "TP-1", "quantity": 3}

    added = (await sandbox.control("changes", {"add_subscriptions": [new]}))["added_subscriptions"]

    newest = (await sandbox.ingram.get("subscriptions?limit=1")).json()["data"][0]
    assert [newest["id"]] == added
    assert (await read_detail(sandbox, added[0]))["products"][0]["mpn"] == "TP-1"


async def test_a_hand_edit_in_the_psa_is_no_api_write(sandbox: Sandbox) -> None:
    line = (await sandbox.part("increase"))["addition_ids"][0]

    await sandbox.control("changes", {"additions": [{"id": line, "quantity": 55}]})

    after = (await sandbox.connectwise.get(await sandbox.line_path())).json()
    assert (after["quantity"], after["_info"]["updatedBy"]) == (55.0, "jsmith")
    assert (await sandbox.control("writes"))["writes"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"subscriptions": [{"id": "999", "quantity": 1}]},
        {"remove_subscriptions": ["999"]},
        {"additions": [{"id": 1, "quantity": 1}]},
        {"additions": [{"id": "x", "quantity": 1}]},
        {"additions": [{"quantity": 1}]},
        {"subscriptions": [{"id": "999", "seats": 1}]},
        {"add_subscriptions": [{"quantity": 1}]},
        {"customers": []},
    ],
    ids=str,
)
async def test_changes_that_cannot_all_be_made_are_not_made_at_all(
    sandbox: Sandbox, wrong: dict[str, Any]
) -> None:
    part, before = await sandbox.part("increase"), await sandbox.control("state")
    good: dict[str, list[Any]] = {
        "subscriptions": [{"id": part["subscription_ids"][0], "quantity": 1}],
        "additions": [{"id": part["addition_ids"][0], "quantity": 1}],
    }

    both = {name: [*good.get(name, []), *rows] for name, rows in wrong.items()}
    answer = await sandbox.http.post("/_sandbox/changes", json=good | both)

    assert answer.status_code == 422
    assert await sandbox.control("state") == before


@pytest.mark.parametrize("field", [{"colour": 1}, {"quantity": "many"}, {"product": {"id": 1}}], ids=str)
async def test_a_field_that_a_line_cannot_have_is_refused(sandbox: Sandbox, field: dict[str, Any]) -> None:
    line = (await sandbox.part("increase"))["addition_ids"][0]

    answer = await sandbox.http.post("/_sandbox/changes", json={"additions": [{"id": line} | field]})

    assert answer.status_code == 422
