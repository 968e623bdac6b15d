"""Discovery, code bases and credentials of the PSA."""

import pytest
from sandboxes import ORIGIN, Sandbox


async def test_discovery_gives_the_code_base_with_its_slash_and_the_host(sandbox: Sandbox) -> None:
    info = (await sandbox.http.get(f"/login/companyinfo/{sandbox.identity.company}")).json()

    assert info["Codebase"] == "v2025_1/"
    assert info["SiteUrl"] == "sandbox.test:8090"


async def test_an_unknown_company_is_a_success_with_null(sandbox: Sandbox) -> None:
    answer = await sandbox.http.get("/login/companyinfo/nobody")

    assert answer.status_code == 200
    assert answer.json() is None


@pytest.mark.parametrize("code_base", ["v2025_1", "v4_6_release"])
async def test_both_code_bases_reach_the_tenant(sandbox: Sandbox, code_base: str) -> None:
    answer = await sandbox.connectwise.get(f"{ORIGIN}/{code_base}/apis/3.0/company/companies/count")

    assert answer.json() == {"count": 14}


@pytest.mark.parametrize(
    "path",
    ["/v2019_1/apis/3.0/company/companies", "/v2025_1/v2025_1/apis/3.0/company/companies", "/apis"],
)
async def test_a_wrong_path_cannot_be_routed_and_says_so_in_plain_text(sandbox: Sandbox, path: str) -> None:
    answer = await sandbox.connectwise.get(f"{ORIGIN}{path}")

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "Cannot route. Codebase/company is invalid"


async def test_a_missing_client_id_is_forbidden(sandbox: Sandbox) -> None:
    del sandbox.connectwise.headers["clientId"]

    answer = await sandbox.connectwise.get("company/companies")

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "keys", [("trueupmsp+a", "b"), ("other+a", "b"), ("", "")], ids=["keys", "company", "none"]
)
async def test_bad_keys_are_not_authenticated(sandbox: Sandbox, keys: tuple[str, str]) -> None:
    answer = await sandbox.connectwise.get("company/companies", auth=keys)

    assert answer.status_code == 401
    assert answer.json()["message"] == "UserNotAuthenticated"


async def test_bad_keys_can_look_like_a_missing_record_as_on_the_cloud(sandbox: Sandbox) -> None:
    await sandbox.switch("connectwise.bad_keys_status", 404)

    answer = await sandbox.connectwise.get("company/companies", auth=("a+b", "c"))

    assert answer.status_code == 404


async def test_answers_have_the_vendors_media_type_and_ids_to_quote(sandbox: Sandbox) -> None:
    first = await sandbox.connectwise.get("company/companies")
    second = await sandbox.connectwise.get("company/companies")

    assert first.headers["content-type"] == "application/vnd.connectwise.com+json; version=2025.1"
    assert first.headers["api-current-version"] == "2025.1"
    assert first.headers["x-cw-request-id"] != second.headers["x-cw-request-id"]


@pytest.mark.parametrize(
    "path",
    [
        "company/companies/1",
        "company/unknown",
        "finance/agreements/9/additions",
        "finance/agreements/x",
        "system/info",
    ],
)
async def test_what_does_not_exist_is_not_found(sandbox: Sandbox, path: str) -> None:
    answer = await sandbox.connectwise.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"


async def test_a_method_that_is_not_simulated_is_not_allowed(sandbox: Sandbox) -> None:
    answer = await sandbox.connectwise.put("company/companies", json={})

    assert answer.status_code == 405
