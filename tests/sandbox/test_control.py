"""What the control API says about the simulated world."""

import httpx
from sandboxes import ORIGIN, Sandbox, open_sandbox


async def test_credentials_point_at_the_address_that_was_asked(sandbox: Sandbox) -> None:
    given = await sandbox.control("credentials")

    assert given["ingram-micro"]["base_url"] == f"{ORIGIN}/marketplace/na"
    assert given["connectwise"]["host"] == ORIGIN


async def test_credentials_differ_by_seed_and_repeat_with_it() -> None:
    async with open_sandbox(seed=1) as first, open_sandbox(seed=1) as second, open_sandbox(seed=2) as other:
        given = [await sandbox.control("credentials") for sandbox in (first, second, other)]

    assert given[0] == given[1]
    assert given[0]["ingram-micro"]["password"] != given[2]["ingram-micro"]["password"]
    assert given[0]["connectwise"]["private_key"] != given[2]["connectwise"]["private_key"]


async def test_the_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    async with open_sandbox(seed=1) as first, open_sandbox(seed=1) as second, open_sandbox(seed=2) as other:
        states = [await sandbox.control("state") for sandbox in (first, second, other)]

    assert states[0] == states[1]
    assert states[0] != states[2]


async def test_state_can_be_asked_for_one_provider(sandbox: Sandbox) -> None:
    assert (await sandbox.control("state?provider=connectwise")).keys() == {"connectwise"}
    assert (await sandbox.control("state?provider=ingram-micro")).keys() == {"ingram-micro"}


async def test_additions_are_a_flat_list_with_their_company(sandbox: Sandbox) -> None:
    part = await sandbox.part("increase")

    lines = {line["id"]: line for line in await sandbox.control("additions")}

    assert lines[part["addition_ids"][0]] == {
        "id": part["addition_ids"][0],
        "agreement_id": part["agreement_ids"][0],
        "company_id": part["psa_account_id"],
        "product_id": part["psa_product_id"],
        "quantity": part["psa_quantity"],
    }


async def test_the_sandbox_says_when_it_is_ready(sandbox: Sandbox) -> None:
    answer: httpx.Response = await sandbox.http.get("/health/ready")

    assert answer.status_code == 200
