"""The live system that tests of this directory share, whose services they kill and flood."""

from collections.abc import AsyncIterator

import pytest
from crashes import TAKEOVER, crash_files
from live_system import OVERRIDES
from reviewed_system import ReviewedSystem, open_reviewed_system

from standalone.services import SERVICES
from standalone.system import System


@pytest.fixture(scope="package")
async def crashing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReviewedSystem]:
    """Connected, mapped, synced and reviewed; every service can be armed to die at a crash point."""
    data_dir = tmp_path_factory.mktemp("crashing")
    armed = crash_files(data_dir)
    overrides = {name: {**TAKEOVER, **OVERRIDES.get(name, {}), **armed[name]} for name in SERVICES}
    async with (
        System(data_dir=data_dir, seed=9, overrides=overrides) as system,
        open_reviewed_system(system) as reviewed,
    ):
        yield reviewed
