"""The scripted month at the vendor."""

from sandboxes import Sandbox


async def test_seats_rise_and_fall_a_last_seat_goes_and_a_term_renews(sandbox: Sandbox) -> None:
    changed = (await sandbox.control("month-passes", {}))["changed"]

    assert [change["what"] for change in changed] == ["seats-up", "seats-down", "last-seat-gone", "renewed"]


async def test_the_month_passes_only_once(sandbox: Sandbox) -> None:
    await sandbox.control("month-passes", {})
    state = await sandbox.control("state")

    again = await sandbox.control("month-passes", {})

    assert again == {"changed": []}
    assert await sandbox.control("state") == state


async def test_a_terminated_subscription_leaves_the_active_list_but_can_still_be_read(
    sandbox: Sandbox,
) -> None:
    terminated = (await sandbox.part("last_seat_gone"))["subscription_ids"][0]

    await sandbox.control("month-passes", {})

    active = (await sandbox.ingram.get("subscriptions?status=active&limit=500")).json()["data"]
    detail = (await sandbox.ingram.get(f"subscriptions/{terminated}")).json()
    assert terminated not in [row["id"] for row in active]
    assert detail["status"] == "terminated"


async def test_a_renewal_is_a_new_id_with_the_same_quantity_and_the_old_one_removed(sandbox: Sandbox) -> None:
    changed = (await sandbox.control("month-passes", {}))["changed"]
    renewal = next(change for change in changed if change["what"] == "renewed")

    old = (await sandbox.ingram.get(f"subscriptions/{renewal['before']}")).json()
    new = (await sandbox.ingram.get(f"subscriptions/{renewal['after']}")).json()

    assert (old["status"], new["status"]) == ("removed", "active")
    assert old["products"][0]["quantity"] == new["products"][0]["quantity"]
    assert old["name"] == new["name"]


async def test_the_month_survives_a_subscription_that_somebody_removed(sandbox: Sandbox) -> None:
    removed = (await sandbox.part("increase"))["subscription_ids"]
    await sandbox.control("changes", {"remove_subscriptions": removed})

    changed = (await sandbox.control("month-passes", {}))["changed"]

    assert len(changed) == 3
