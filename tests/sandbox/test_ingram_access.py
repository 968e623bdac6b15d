"""Access to the marketplace, and the two error bodies that show who refused."""

import httpx
import pytest
from sandboxes import ORIGIN, Sandbox, sign_in


async def test_a_token_says_how_long_it_is_valid(sandbox: Sandbox) -> None:
    answer = await sign_in(sandbox.ingram, sandbox.identity)

    assert answer.status_code == 200
    assert answer.json().keys() == {"token", "expiresInSeconds"}
    assert answer.json()["expiresInSeconds"] == 1500


@pytest.mark.parametrize("wrong", [{"user": "nobody"}, {"password": "guess"}], ids=["user", "password"])
async def test_a_wrong_user_or_password_is_refused_by_the_application(
    sandbox: Sandbox, wrong: dict[str, str]
) -> None:
    answer = await sign_in(sandbox.ingram, sandbox.identity, **wrong)

    assert answer.status_code == 401
    assert answer.json().keys() >= {"timestamp", "status", "error", "message", "path", "correlationId"}
    assert answer.headers["X-Correlation-ID"] == answer.json()["correlationId"]


async def test_a_wrong_key_is_refused_by_the_gateway(sandbox: Sandbox) -> None:
    sandbox.ingram.headers["X-Subscription-Key"] = "0" * 32

    answer = await sign_in(sandbox.ingram, sandbox.identity)

    assert answer.status_code == 401
    assert answer.json()["statusCode"] == 401
    assert "invalid subscription key" in answer.json()["message"]


async def test_a_missing_key_is_refused_on_every_call(sandbox: Sandbox) -> None:
    del sandbox.ingram.headers["X-Subscription-Key"]

    answer = await sandbox.ingram.get("customers")

    assert answer.status_code == 401
    assert "missing subscription key" in answer.json()["message"]


async def test_a_wrong_marketplace_code_is_refused_by_the_application(sandbox: Sandbox) -> None:
    answer = await sign_in(sandbox.ingram, sandbox.identity, marketplace="atlantis")

    assert answer.status_code == 400
    assert "atlantis" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"marketplace": 7}'], ids=["empty", "a list", "a number"])
async def test_a_sign_in_without_a_marketplace_code_is_refused(sandbox: Sandbox, body: bytes) -> None:
    known = (sandbox.identity.username, sandbox.identity.password)

    answer = await sandbox.ingram.post("token", content=body, auth=known)

    assert answer.status_code == 400


async def test_a_sign_in_without_readable_credentials_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.ingram.post(
        "token", headers={"Authorization": "Basic !"}, json={"marketplace": "us"}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/marketplace/token", "/marketplace", "/marketplace/us/token"])
async def test_a_base_url_without_its_region_is_not_found_by_the_gateway(sandbox: Sandbox, path: str) -> None:
    answer = await sandbox.ingram.post(f"{ORIGIN}{path}", json={"marketplace": "us"})

    assert answer.status_code == 404
    assert answer.json() == {"statusCode": 404, "message": "Resource not found"}


async def test_a_token_expires(sandbox: Sandbox) -> None:
    sandbox.clock.advance(seconds=1501)

    answer = await sandbox.ingram.get("customers")

    assert answer.status_code == 401
    assert answer.json()["error"] == "Unauthorized"


async def test_a_new_token_leaves_the_older_one_valid(sandbox: Sandbox) -> None:
    await sign_in(sandbox.ingram, sandbox.identity)

    answer = await sandbox.ingram.get("customers")

    assert answer.status_code == 200


async def test_a_switch_revokes_the_tokens_issued_so_far_but_not_later_ones(sandbox: Sandbox) -> None:
    await sandbox.switch("ingram.token_dead", value=True)

    refused = await sandbox.ingram.get("customers")
    fresh = (await sign_in(sandbox.ingram, sandbox.identity)).json()["token"]
    accepted = await sandbox.ingram.get("customers", headers={"Authorization": f"Bearer {fresh}"})

    assert (refused.status_code, accepted.status_code) == (401, 200)
    assert (await sandbox.control("switches"))["ingram.token_dead"] is False


async def test_a_method_that_is_not_simulated_is_not_found(sandbox: Sandbox) -> None:
    answer: httpx.Response = await sandbox.ingram.delete("customers")

    assert answer.status_code == 404
