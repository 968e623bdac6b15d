"""Writes to agreement lines: the PATCH dialect, new lines, and the faults of either."""

from typing import Any

import pytest
from sandboxes import Sandbox

from sandbox.cuts import ConnectionCut


def setting(value: Any, path: str = "quantity") -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


async def quantity_of(sandbox: Sandbox, line: str) -> Any:
    return (await sandbox.connectwise.get(line)).json()["quantity"]


async def test_a_quantity_is_replaced_by_its_bare_name(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()

    answer = await sandbox.connectwise.patch(line, json=setting(14))

    assert answer.status_code == 200
    assert answer.json()["quantity"] == 14.0
    assert await quantity_of(sandbox, line) == 14.0


@pytest.mark.parametrize(("sent", "stored"), [("14", 14.0), (0, 0.0), (2.5, 2.5), (-1, -1.0)], ids=str)
async def test_a_quantity_may_be_a_text_a_fraction_zero_or_negative(
    sandbox: Sandbox, sent: Any, stored: float
) -> None:
    line = await sandbox.line_path()

    await sandbox.connectwise.patch(line, json=setting(sent))

    assert await quantity_of(sandbox, line) == stored


async def test_every_write_moves_last_updated_even_within_a_second(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()

    answers = [await sandbox.connectwise.patch(line, json=setting(14)) for _ in range(3)]

    stamps = [answer.json()["_info"]["lastUpdated"] for answer in answers]
    assert stamps == sorted(set(stamps))


async def test_what_the_server_works_out_follows_the_quantity(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()

    after = (await sandbox.connectwise.patch(line, json=setting(10))).json()

    assert (after["billedQuantity"], after["extPrice"], after["extCost"], after["margin"]) == (
        10.0,
        75.0,
        50.0,
        25.0,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"op": "replace", "path": "quantity", "value": 1},
        [],
        [{"op": "swap", "path": "quantity", "value": 1}],
        [{"op": "replace", "value": 1}],
        ["quantity"],
        setting("many"),
        setting("nan"),
        setting(True),
        setting({}),
        setting("Sometimes", "billCustomer"),
        setting("soon", "cancelledDate"),
        setting({"id": 0}, "product"),
        setting("yes", "taxableFlag"),
        setting(7, "serialNumber"),
    ],
    ids=str,
)
async def test_a_patch_that_is_not_understood_changes_nothing(sandbox: Sandbox, body: Any) -> None:
    line = await sandbox.line_path()
    before = (await sandbox.connectwise.get(line)).json()

    answer = await sandbox.connectwise.patch(line, json=body)

    assert answer.status_code == 400
    assert (await sandbox.connectwise.get(line)).json() == before


async def test_a_body_that_is_no_json_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.connectwise.patch(await sandbox.line_path(), content=b"quantity=1")

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/quantity", "Quantity", "product/identifier", "extPrice", "colour"])
async def test_a_path_that_is_no_bare_field_is_refused(sandbox: Sandbox, path: str) -> None:
    answer = await sandbox.connectwise.patch(await sandbox.line_path(), json=setting(1, path))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == path


async def test_a_path_that_is_no_bare_field_is_a_false_success_when_the_switch_says_so(
    sandbox: Sandbox,
) -> None:
    await sandbox.switch("connectwise.patch_paths", "ignored")
    line = await sandbox.line_path()
    before = (await sandbox.connectwise.get(line)).json()

    answer = await sandbox.connectwise.patch(line, json=setting(1, "/quantity"))

    assert answer.status_code == 200
    assert (await sandbox.connectwise.get(line)).json() == before
    assert [write["effective"] for write in (await sandbox.control("writes"))["writes"]] == [False]


async def test_a_date_can_be_set_and_removed(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()

    closed = await sandbox.connectwise.patch(line, json=setting("2026-12-01T00:00:00Z", "cancelledDate"))
    opened = await sandbox.connectwise.patch(line, json=[{"op": "remove", "path": "cancelledDate"}])

    assert closed.json()["cancelledDate"] == "2026-12-01T00:00:00Z"
    assert "cancelledDate" not in opened.json()


async def test_another_product_brings_its_price_and_name_along(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()

    after = (
        await sandbox.connectwise.patch(line, json=setting({"identifier": "EDR-SEAT"}, "product"))
    ).json()

    assert (after["unitPrice"], after["unitCost"], after["description"]) == (5.5, 2.5, "EDR per seat")


async def test_two_equal_posts_make_two_lines(sandbox: Sandbox) -> None:
    lines = (await sandbox.line_path()).rpartition("/")[0]
    body = {"product": {"identifier": "EDR-SEAT"}, "billCustomer": "Billable", "quantity": 4}

    answers = [await sandbox.connectwise.post(lines, json=body) for _ in range(2)]
    found = (await sandbox.connectwise.get(f"{lines}/count", params={"conditions": "quantity = 4"})).json()

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]
    assert answers[0].json()["unitPrice"] == 5.5
    assert found == {"count": 2}


@pytest.mark.parametrize("missing", ["product", "billCustomer"])
async def test_a_new_line_needs_a_product_and_a_way_of_billing(sandbox: Sandbox, missing: str) -> None:
    lines = (await sandbox.line_path()).rpartition("/")[0]
    body = {"product": {"identifier": "EDR-SEAT"}, "billCustomer": "Billable"}

    answer = await sandbox.connectwise.post(
        lines, json={name: body[name] for name in body if name != missing}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0] | {"message": "", "resource": ""} == {
        "code": "MissingRequiredField",
        "field": missing,
        "message": "",
        "resource": "",
    }


@pytest.mark.parametrize(("mode", "status"), [("refused", 400), ("ignored", 200)])
async def test_a_write_can_be_refused_or_ignored(sandbox: Sandbox, mode: str, status: int) -> None:
    await sandbox.switch("connectwise.writes", mode)
    line = await sandbox.line_path()
    before = (await sandbox.connectwise.get(line)).json()

    answer = await sandbox.connectwise.patch(line, json=setting(99))

    assert answer.status_code == status
    assert (await sandbox.connectwise.get(line)).json() == before


@pytest.mark.parametrize("mode", ["cut-before", "cut-after"])
async def test_a_connection_can_be_cut_before_or_after_the_write(sandbox: Sandbox, mode: str) -> None:
    await sandbox.switch("connectwise.writes", mode)
    line = await sandbox.line_path()

    with pytest.raises(ConnectionCut):
        await sandbox.connectwise.patch(line, json=setting(99))

    effective = mode == "cut-after"
    assert (await quantity_of(sandbox, line) == 99.0) is effective
    assert [write["effective"] for write in (await sandbox.control("writes"))["writes"]] == [effective]
    assert (await sandbox.control("calls?provider=connectwise"))["calls"][0]["status"] == 0


async def test_somebody_else_changes_the_line_after_it_was_read_so_often(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()
    await sandbox.switch("connectwise.foreign_change", {"quantity": 99, "after_reads": 2})

    answers = [(await sandbox.connectwise.get(line)).json() for _ in range(4)]

    assert [answer["quantity"] == 99.0 for answer in answers] == [False, False, True, True]
    assert answers[3]["_info"]["updatedBy"] == "jdoe"
    assert answers[1]["_info"]["lastUpdated"] < answers[2]["_info"]["lastUpdated"]
    assert answers[2] == answers[3]


async def test_a_held_write_gets_no_answer_and_is_stored_once_it_is_held_no_more(sandbox: Sandbox) -> None:
    line = await sandbox.line_path()
    before = await quantity_of(sandbox, line)
    await sandbox.switch("connectwise.writes", "held")

    with pytest.raises(ConnectionCut):
        await sandbox.connectwise.patch(line, json=setting(99))
    held = await quantity_of(sandbox, line)
    await sandbox.switch("connectwise.writes", None)

    assert held == before
    assert await quantity_of(sandbox, line) == 99.0
    assert (await sandbox.connectwise.get(line)).json()["_info"]["updatedBy"] == "apiMember"
