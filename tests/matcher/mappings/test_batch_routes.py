"""Many decisions at once over HTTP."""

from typing import Any

import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_http import MatcherClient

TO_9 = {"psa_integration_id": "int_psa", "psa_id": "9"}


@pytest.fixture
async def known(matcher: MatcherClient) -> MatcherClient:
    accounts = a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd")
    await matcher.world.receive(an_integration(), a_psa(), *accounts)
    return matcher


def item(vendor_id: str, **more: Any) -> dict[str, Any]:
    named = {"kind": "account", "vendor_integration_id": "int_vendor", "vendor_id": vendor_id}
    return {**named, "decision": TO_9, **more}


async def test_many_are_decided_and_each_says_what_became_of_it(known: MatcherClient) -> None:
    items = [item("1", revision=0), item("1"), item("1", revision=0), item("2")]

    answer = await known.send("POST", "/mappings", {"items": items}, key="k1")

    body = answer.json()
    assert answer.status_code == 200
    assert [one["status"] for one in body["outcomes"]] == ["done", "unchanged", "conflict", "refused"]
    assert body["counts"] == {"done": 1, "unchanged": 1, "conflict": 1, "refused": 1}
    assert [one["mapping"] and one["mapping"]["psa_name"] for one in body["outcomes"]] == [
        *["Contoso Ltd"] * 3,
        None,
    ]
    assert "no vendor account 2" in body["outcomes"][3]["reason"]


async def test_as_many_as_are_allowed_with_the_longest_words_are_decided(known: MatcherClient) -> None:
    decision = {"excluded": True, "reason": "\N{GRINNING FACE}" * 500}

    answer = await known.send("POST", "/mappings", {"items": [item("1", decision=decision)] * 500}, key="k1")

    assert (answer.status_code, answer.json()["counts"]) == (200, {"done": 1, "unchanged": 499})


async def test_many_can_be_excluded_and_revoked(known: MatcherClient) -> None:
    decisions = [{"excluded": True, "reason": "ours"}, {"revoked": True}]

    answer = await known.send(
        "POST", "/mappings", {"items": [item("1", decision=one) for one in decisions]}, key="k1"
    )

    assert [one["mapping"]["decision"] for one in answer.json()["outcomes"]] == ["excluded", "revoked"]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"items": [item("1")]}, None),
        ({"items": []}, "k1"),
        ({"items": [item("1")] * 501}, "k1"),
        ({"items": [item("1", decision={"excluded": True})]}, "k1"),
        ({"items": [item("1", revision=-1)]}, "k1"),
        ({"items": [item("1", kind="contact")]}, "k1"),
    ],
    ids=["no key", "none", "too many", "no reason", "no revision", "no kind"],
)
async def test_many_that_make_no_sense_are_refused(
    known: MatcherClient, body: dict[str, Any], key: str | None
) -> None:
    answer = await known.send("POST", "/mappings", body, key=key)

    assert answer.status_code == 422
    assert await known.world.published() == []
