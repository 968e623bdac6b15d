"""Rules over HTTP: sent, shown, and refused with the field or the sentence that helps."""

from typing import Any

import pytest
from catalogue_builders import a_product, a_psa, a_service, an_integration
from matcher_http import MatcherClient

SERVICE = "/mappings/service/int_vendor/s1"
TO_9 = {"psa_integration_id": "int_psa", "psa_id": "p9"}
RULE = {"factor": "1.5", "included_units": 5, "multiple": "10", "rounding": "nearest"}


@pytest.fixture
async def known(matcher: MatcherClient) -> MatcherClient:
    services = [a_service(id_, f"Service {id_}") for id_ in ("s1", "s2")]
    products = [a_product(id_, f"Product {id_}") for id_ in ("p8", "p9")]
    await matcher.world.receive(an_integration(), a_psa(), *services, *products)
    return matcher


async def test_rules_are_sent_and_shown_in_every_answer(known: MatcherClient) -> None:
    sent = {"quantity": RULE, "split": [{"psa_id": "p8", "quantity": "8"}]}

    answer = await known.send("PUT", SERVICE, {**TO_9, "rules": sent})
    listed = (await known.get("/mappings"))["mappings"]
    row = (await known.get("/services"))["services"][0]
    history = (await known.get(f"{SERVICE}/history"))["decisions"]

    expected = {
        "quantity": {
            "factor": "1.5",
            "included_units": "5",
            "minimum": "0",
            "multiple": "10",
            "rounding": "nearest",
        },
        "split": [{"psa_id": "p8", "quantity": "8"}],
        "overrides": [],
        "included_in": None,
    }
    assert answer.status_code == 200, answer.text
    assert answer.json()["rules"] == expected
    assert [one["rules"] for one in (*listed, row["mapping"], *history)] == [expected] * 3


@pytest.mark.parametrize("none", [None, {}])
async def test_null_and_nothing_end_rules_and_leaving_them_out_keeps_them(
    known: MatcherClient, none: dict[str, Any] | None
) -> None:
    await known.send("PUT", SERVICE, {**TO_9, "rules": {"quantity": RULE}})

    kept = await known.send("PUT", SERVICE, TO_9)
    ended = await known.send("PUT", SERVICE, {**TO_9, "rules": none})

    assert kept.json()["rules"]["quantity"]["factor"] == "1.5"
    assert ended.json()["rules"] is None
    assert ended.json()["replaced"]["rules"]["quantity"]["factor"] == "1.5"


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"quantity": {"factor": "0"}}, "rules.quantity.factor"),
        ({"quantity": {"factor": 1.5}}, "rules.quantity.factor"),
        ({"quantity": {"factor": "1e3"}}, "rules.quantity.factor"),
        ({"quantity": {"factor": "12,5"}}, "rules.quantity.factor"),
        ({"quantity": {"minimum": "-1"}}, "rules.quantity.minimum"),
        ({"quantity": {"minimum": "9" * 30}}, "rules.quantity.minimum"),
        ({"quantity": {"multiple": "0"}}, "rules.quantity.multiple"),
        ({"quantity": {"rounding": "sideways"}}, "rules.quantity.rounding"),
        ({"quantity": {"price": "1"}}, "rules.quantity.price"),
        ({"split": [{"psa_id": "p8"}]}, "rules.split.0.quantity"),
        ({"split": [{"psa_id": f"p{n}", "quantity": "1"} for n in range(11)]}, "rules.split"),
        ({"overrides": [{"vendor_account_id": str(n), "psa_id": "p8"} for n in range(201)]}, "overrides"),
        ({"split": [{"psa_id": "p8", "quantity": "1"}] * 2}, "a product is named twice in a split"),
        ({"overrides": [{"vendor_account_id": "1", "psa_id": "p8"}] * 2}, "an account is named twice"),
        ({"included_in": "s2", "quantity": {"minimum": "1"}}, "included in a bundle adds nothing"),
    ],
)
async def test_what_is_no_rule_is_refused_with_the_field(
    known: MatcherClient, rules: dict[str, Any], field: str
) -> None:
    answer = await known.send("PUT", SERVICE, {**TO_9, "rules": rules})

    assert answer.status_code == 422
    assert field in answer.text
    assert await known.world.mapped() == {}


async def test_an_account_and_an_exclusion_have_no_rules(known: MatcherClient) -> None:
    excluded = await known.send("PUT", SERVICE, {"excluded": True, "reason": "ours", "rules": {}})

    assert excluded.status_code == 422


async def test_rules_that_cannot_be_kept_to_come_back_with_the_reason_and_what_stands(
    known: MatcherClient,
) -> None:
    standing = (await known.send("PUT", SERVICE, TO_9)).json()

    answer = await known.send("PUT", SERVICE, {**TO_9, "rules": {"included_in": "s2"}})
    unseen = await known.send(
        "PUT", SERVICE, {**TO_9, "rules": {"split": [{"psa_id": "p1", "quantity": "1"}]}}
    )

    assert (answer.status_code, answer.json()["refusal"]) == (409, "rules-refused")
    assert answer.json()["mapping"] == standing
    assert unseen.status_code == 404


async def test_many_decisions_at_once_see_the_bundle_that_those_before_them_made(
    known: MatcherClient,
) -> None:
    def one(service_id: str, rules: dict[str, Any] | None = None) -> dict[str, Any]:
        item = {"kind": "service", "vendor_integration_id": "int_vendor", "vendor_id": service_id}
        return {**item, "decision": {**TO_9, "rules": rules}}

    revoke = one("s1") | {"decision": {"revoked": True}}
    items = [one("s1"), one("s2", {"included_in": "s1"}), revoke]

    answer = (await known.send("POST", "/mappings", {"items": items}, key="k")).json()
    again = (await known.send("POST", "/mappings", {"items": items}, key="k")).json()

    assert [one["status"] for one in answer["outcomes"]] == ["done", "done", "refused"]
    assert answer["outcomes"][2]["refusal"] == "source-of-bundle"
    assert again == answer


async def test_one_key_for_other_rules_is_another_request(known: MatcherClient) -> None:
    await known.send("PUT", SERVICE, {**TO_9, "rules": {"quantity": RULE}}, key="k")

    other = await known.send("PUT", SERVICE, {**TO_9, "rules": {}}, key="k")

    assert other.status_code == 409
