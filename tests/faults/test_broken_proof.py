"""The demo's proof is the PSA's own word: where that refuses what was approved, it fails and says why."""

import pytest
from reviewed_system import ReviewedSystem

from standalone.demo.run import approve_and_judge

pytestmark = pytest.mark.live


async def test_a_psa_that_refuses_what_was_approved_breaks_the_proof(crashing: ReviewedSystem) -> None:
    printed: list[str] = []
    await crashing.control("PUT", "switches", {"connectwise.writes": "refused"})

    verdict = await approve_and_judge(crashing.story, crashing.sandbox, printed.append)

    assert verdict.exit_code == 1
    assert [line for line in printed if "NOT as it should be: 0 approved lines as approved" in line]
    assert "WRONG  increase: billing says refused, not written" in "\n".join(printed)
    await crashing.control("PUT", "switches", {"connectwise.writes": "applied"})
    await crashing.sync()
    await crashing.story.review()
