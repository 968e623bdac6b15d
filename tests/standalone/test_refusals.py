"""The demo's attempts at what must not be approved."""

from typing import Any, cast

import pytest

from shared.errors import PermanentError
from standalone.demo.client import DemoClient
from standalone.demo.failure import DemoFailure
from standalone.demo.story import TO_BE_REFUSED, DemoStory

LINE = {"psa_account_id": "1", "psa_product_id": "2"}


class FakeClient:
    """Gives every approval the same answer."""

    def __init__(self, refusal: DemoFailure | None) -> None:
        self.refusal = refusal

    async def approve(self, line: dict[str, Any]) -> dict[str, Any]:
        if self.refusal:
            raise self.refusal
        return {"approval_id": "apr_1", "line": line}


async def test_each_refusal_is_returned_with_its_reason() -> None:
    refusals = await a_story(DemoFailure(409, {"detail": "type the quantity"})).attempt_refused_approvals()

    assert refusals == [(part, "type the quantity") for part in TO_BE_REFUSED]


async def test_an_approval_that_should_have_been_refused_fails_the_demo() -> None:
    with pytest.raises(PermanentError, match="without quantity was approved"):
        await a_story(None).attempt_refused_approvals()


async def test_a_broken_service_is_no_refusal() -> None:
    with pytest.raises(DemoFailure, match="500"):
        await a_story(DemoFailure(500, {})).attempt_refused_approvals()


def a_story(refusal: DemoFailure | None) -> DemoStory:
    scenario = {"parts": dict.fromkeys(TO_BE_REFUSED, LINE)}
    return DemoStory(cast("DemoClient", FakeClient(refusal)), scenario, lines=[LINE])
