"""What the rows measure stays what they say: a few of each, on a real document store."""

from uuid import uuid4

import pytest

from tests.bench import approving, bare_approving, reconciling
from tests.bench.ground import Plan

FEW = 24


@pytest.fixture
def plan(mongo_url: str) -> Plan:
    return Plan(kafka="", mongo_url=mongo_url, sandbox="", name=f"bench_{uuid4().hex[:8]}", count=FEW)


async def test_every_line_of_the_month_is_reconciled(plan: Plan) -> None:
    assert (await reconciling.ours(plan)).count == FEW


async def test_every_line_of_the_month_is_approved_and_written_again_by_the_baseline(plan: Plan) -> None:
    await approving.prepare(plan)

    assert (await approving.ours(plan)).count == FEW
    assert (await bare_approving.bare(plan)).count == FEW
