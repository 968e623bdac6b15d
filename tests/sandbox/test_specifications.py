"""Every answer and every body of the sandbox fits the vendors' published schemas.

The specifications are third-party texts that the repository does not contain: where they do not lie
beside it, `conftest.py` leaves this module out.
"""

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sandboxes import Sandbox

if TYPE_CHECKING:
    from vendor_specification import VendorSpecification


@pytest.fixture(scope="module")
def marketplace() -> "VendorSpecification":
    from vendor_specification import VendorSpecification  # noqa: PLC0415

    return VendorSpecification.of_the_marketplace()


@pytest.fixture(scope="module")
def psa() -> "VendorSpecification":
    from vendor_specification import VendorSpecification  # noqa: PLC0415

    return VendorSpecification.of_the_psa()


@pytest.mark.parametrize(
    "path",
    ["customers", "customers/{vendor_account_id}", "subscriptions", "subscriptions?status=removed"],
)
async def test_the_marketplaces_answers_fit_its_specification(
    sandbox: Sandbox, marketplace: "VendorSpecification", path: str
) -> None:
    part = await sandbox.part("increase")

    answer = await sandbox.ingram.get(path.format(**part))

    assert answer.json()
    marketplace.assert_fits(answer)


@pytest.mark.parametrize("month", ["before", "after"])
async def test_every_subscriptions_detail_fits_the_specification(
    sandbox: Sandbox, marketplace: "VendorSpecification", month: str
) -> None:
    if month == "after":
        await sandbox.control("month-passes", {})

    for row in (await sandbox.ingram.get("subscriptions?limit=500")).json()["data"]:
        marketplace.assert_fits(await sandbox.ingram.get(f"subscriptions/{row['id']}"))


@pytest.mark.parametrize(
    "path",
    [
        "company/companies",
        "company/companies/count",
        "procurement/catalog",
        "finance/agreements",
        "finance/agreements?conditions=cancelledFlag = false&pageSize=2&page=2&orderBy=id asc",
        "finance/agreements/{agreement}/additions",
        "finance/agreements/{agreement}/additions/count",
        "finance/agreements/{agreement}/additions/{addition}",
    ],
)
async def test_the_psas_answers_fit_its_specification(
    sandbox: Sandbox, psa: "VendorSpecification", path: str
) -> None:
    part = await sandbox.part("increase")

    answer = await sandbox.connectwise.get(
        path.format(agreement=part["agreement_ids"][0], addition=part["addition_ids"][0])
    )

    assert answer.status_code == 200
    psa.assert_fits(answer)


@pytest.mark.parametrize("value", [14, "14", 2.5])
async def test_a_patch_and_its_answer_fit_the_specification(
    sandbox: Sandbox, psa: "VendorSpecification", value: Any
) -> None:
    answer = await sandbox.connectwise.patch(
        await sandbox.line_path(), json=[{"op": "replace", "path": "quantity", "value": value}]
    )

    assert answer.status_code == 200
    psa.assert_fits(answer)


@pytest.mark.parametrize("key", ["EDR-SEAT"])
async def test_a_new_line_and_its_answer_fit_the_specification(
    sandbox: Sandbox, psa: "VendorSpecification", key: str
) -> None:
    lines = (await sandbox.line_path()).rpartition("/")[0]

    answer = await sandbox.connectwise.post(
        lines, json={"product": {"identifier": key}, "billCustomer": "Billable", "quantity": 4}
    )

    assert answer.status_code == 201
    psa.assert_fits(answer)


@pytest.mark.parametrize("path", ["company/companies?conditions=x=1", "company/companies/1"])
async def test_the_psas_errors_fit_its_specification(
    sandbox: Sandbox, psa: "VendorSpecification", path: str
) -> None:
    answer = await sandbox.connectwise.get(path)

    assert answer.status_code in (400, 404)
    psa.assert_fits(answer)


@pytest.mark.parametrize("quantity", ["ten"])
async def test_the_validation_itself_notices_a_quantity_that_is_a_text(
    sandbox: Sandbox, psa: "VendorSpecification", quantity: str
) -> None:
    answer = await sandbox.connectwise.get(await sandbox.line_path())
    spoilt = json.dumps(answer.json() | {"quantity": quantity}).encode()

    with pytest.raises(AssertionError, match=r"quantity|ten"):
        psa.assert_fits(
            httpx.Response(200, content=spoilt, headers=answer.headers, request=answer.request),
        )
