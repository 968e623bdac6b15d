"""Wrong credentials on the real system: reported by field; nothing is saved and nothing is published."""

from typing import Any

import pytest
from reviewed_system import ReviewedSystem

from standalone.demo.failure import DemoFailure

pytestmark = pytest.mark.live

AUTH_TOPICS = ("auth.integration-connected.v1", "auth.integration-changed.v1")
INGRAM = [
    ({"subscription_key": "wrong"}, {"subscription_key"}),
    ({"username": "wrong"}, {"username", "password"}),
    ({"password": "wrong"}, {"username", "password"}),
    ({"marketplace": "zz"}, {"marketplace"}),
    ({"base_url": "{sandbox}/marketplace"}, {"base_url"}),
    ({"base_url": "https://127.0.0.1:1/marketplace/na"}, {"base_url"}),
    ({"base_url": "http://api.cloud.im/marketplace/na"}, {"base_url"}),
    ({"base_url": "https://10.0.0.7/marketplace/na"}, {"base_url"}),
]
CONNECTWISE = [
    ({"company": "nobody"}, {"company"}),
    ({"public_key": "wrong"}, {"public_key", "private_key"}),
    ({"private_key": "wrong"}, {"public_key", "private_key"}),
    ({"client_id": "wrong"}, {"client_id"}),
    ({"host": "https://192.168.1.9"}, {"host"}),
]
WRONG = [("ingram-micro", *each) for each in INGRAM] + [("connectwise", *each) for each in CONNECTWISE]


@pytest.mark.parametrize(
    ("provider", "change", "fields"),
    WRONG,
    ids=[f"{p} {next(iter(c))}={c[next(iter(c))]}" for p, c, _ in WRONG],
)
async def test_wrong_input_is_reported_by_field_and_leaves_nothing(
    reviewed: ReviewedSystem, provider: str, change: dict[str, str], fields: set[str]
) -> None:
    right = (await reviewed.control("GET", "credentials"))[provider]
    typed = {name: value.format(sandbox=reviewed.system.urls["sandbox"]) for name, value in change.items()}
    before = (
        await reviewed.client.request("GET", "auth", "/integrations"),
        await reviewed.record_counts(AUTH_TOPICS),
    )

    with pytest.raises(DemoFailure) as refused:
        await reviewed.client.request(
            "POST", "auth", "/integrations", {"provider": provider, **right, **typed}
        )

    document: dict[str, Any] = refused.value.document
    assert refused.value.status == document["status"] == 422
    assert fields <= {field["name"] for field in document["fields"]}
    assert all(field["reason"] for field in document["fields"])
    assert (
        await reviewed.client.request("GET", "auth", "/integrations"),
        await reviewed.record_counts(AUTH_TOPICS),
    ) == before


async def test_a_control_panel_address_is_understood_as_a_marketplace_code(reviewed: ReviewedSystem) -> None:
    right = (await reviewed.control("GET", "credentials"))["ingram-micro"]
    path = f"/integrations/{reviewed.story.vendor_id}"
    before = await reviewed.client.request("GET", "auth", path)

    again = await reviewed.client.request(
        "POST",
        "auth",
        "/integrations",
        {"provider": "ingram-micro", **right, "marketplace": "https://cp.us.na.cloud.im"},
    )

    assert again["status"] == "active"
    assert again["generation"] > before["generation"]
    assert again["integration_id"] == reviewed.story.vendor_id
