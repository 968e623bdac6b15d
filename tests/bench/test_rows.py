"""Rows measure the work that they name: a few lines of each, on a real document store."""

from uuid import uuid4

import pytest

from shared.runtime.settings import KafkaSettings
from tests.bench import approvals, bare_approvals, catalogue, manifests, reconciliation
from tests.bench.bench_env import Workload

FEW = 24


@pytest.fixture
def workload(mongo_url: str) -> Workload:
    nowhere = KafkaSettings(servers="127.0.0.1:9")
    return Workload(nowhere, mongo_url, sandbox="", name=f"bench_{uuid4().hex[:8]}", count=FEW)


async def test_every_line_of_the_month_is_reconciled(workload: Workload) -> None:
    assert (await reconciliation.run_product(workload)).count == FEW


async def test_every_manifest_counts_in_the_end(workload: Workload) -> None:
    assert (await manifests.run_product(workload)).count == FEW


async def test_every_line_of_the_month_is_approved_and_written_again_by_the_baseline(
    workload: Workload,
) -> None:
    await approvals.prepare(workload)

    assert (await approvals.run_product(workload)).count == FEW
    assert (await bare_approvals.run_baseline(workload)).count == FEW


async def test_every_account_of_the_catalogue_is_stored_and_every_search_finds_something(
    workload: Workload,
) -> None:
    assert (await catalogue.run_rebuild(workload)).count == FEW
    assert (await catalogue.run_searches(workload)).seconds > 0
