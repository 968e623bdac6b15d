"""A sister company's credentials open another account, of another reseller, in the same marketplace."""

from typing import Any

from sandboxes import Sandbox


async def rows(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    answer = await sandbox.ingram.get(path, params={"limit": 500})
    listed: list[dict[str, Any]] = answer.json()["data"]
    return listed


async def test_every_customer_names_its_reseller_unless_that_is_switched_off(sandbox: Sandbox) -> None:
    told = {row.get("resellerId") for row in await rows(sandbox, "customers")}
    await sandbox.switch("ingram.names_reseller", value=False)
    untold = {row.get("resellerId") for row in await rows(sandbox, "customers")}

    assert (told, untold) == ({"1000001"}, {None})


async def test_a_sister_company_sees_her_own_customers_and_none_of_ours(sandbox: Sandbox) -> None:
    ours, bought = await rows(sandbox, "customers"), await rows(sandbox, "subscriptions")
    await sandbox.switch("ingram.sister_company", value=True)

    hers = await rows(sandbox, "customers")
    answers = [
        await sandbox.ingram.get(path)
        for path in (f"customers/{ours[0]['id']}", f"subscriptions/{bought[0]['id']}")
    ]

    assert {row["resellerId"] for row in hers} == {"1000002"}
    assert not {row["id"] for row in ours} & {row["id"] for row in hers}
    assert {row["customerId"] for row in await rows(sandbox, "subscriptions")} <= {row["id"] for row in hers}
    assert [answer.status_code for answer in answers] == [400, 400]
    assert all("No entity has been found" in answer.json()["message"] for answer in answers)


async def test_our_own_view_is_as_before_when_the_sister_has_gone(sandbox: Sandbox) -> None:
    before = await rows(sandbox, "customers")
    await sandbox.switch("ingram.sister_company", value=True)
    await sandbox.switch("ingram.sister_company", value=None)

    assert await rows(sandbox, "customers") == before
