"""A few made-up requests to each operation; `make fuzz` tries many, on a system with data."""

from pathlib import Path

import pytest
from api_fuzz import FuzzPlan, fuzz

from standalone.system import System

pytestmark = pytest.mark.live


async def test_no_made_up_request_breaks_a_service_or_its_description(system: System, tmp_path: Path) -> None:
    # In a tenant of its own: an admin who is made up disconnects whatever is there.
    plan = FuzzPlan(
        examples=4, seed=7, reports=tmp_path, tenant_id="fuzz", callers=("admin",), phases="examples,fuzzing"
    )

    results = await fuzz(system, plan)

    failed = [
        f"{one.service} as {one.caller}: {one.errors} {sorted(one.violations)}\n{one.output}"
        for one in results
        if one.failed
    ]
    assert not failed, "\n".join(failed)
    assert sum(result.cases for result in results) > 60
