"""The whole system for live tests, started once for all of them and only when a test asks for it.

`TRUEUP_TEST_SERVERS` says whose servers: `standalone` (the default: ours, as child processes),
`containers` (Docker), or `external` (empty ones: `TRUEUP_TEST_KAFKA`, `TRUEUP_TEST_MONGO` and
`TRUEUP_TEST_REDIS` say where). The services and the sandbox are our child processes in each case.
What cannot be had fails; nothing is skipped.
"""

import os
from collections.abc import AsyncIterator

import pytest
from containers import in_containers

from shared.runtime.settings import KafkaSettings
from standalone.services import Servers
from standalone.system import System

SEED = 7
OVERRIDES = {"psa-sync": {"REQUEST_LIFE": "PT3S"}}
"""Nothing is between us and the sandbox that could hold a request for minutes."""
EXTERNAL = ("TRUEUP_TEST_KAFKA", "TRUEUP_TEST_MONGO", "TRUEUP_TEST_REDIS")


@pytest.fixture(scope="package")
async def others_servers() -> AsyncIterator[Servers | None]:
    """Servers to be used in place of the launcher's own; none when it is to start them."""
    match os.environ.get("TRUEUP_TEST_SERVERS", "standalone"):
        case "standalone":
            yield None
        case "containers":
            async with in_containers() as servers:
                yield servers
        case "external":
            yield _named_servers()
        case other:
            pytest.fail(f"TRUEUP_TEST_SERVERS is {other}: set it to standalone, containers or external")


@pytest.fixture(scope="package")
async def system(
    others_servers: Servers | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """Everything running, on fresh data; tests share it, so each brings its own tenant's things."""
    place = tmp_path_factory.mktemp("system")
    async with System(
        data_dir=place, seed=SEED, external_servers=others_servers, overrides=OVERRIDES
    ) as running:
        yield running


def _named_servers() -> Servers:
    missing = [name for name in EXTERNAL if not os.environ.get(name)]
    if missing:
        pytest.fail(f"TRUEUP_TEST_SERVERS is external, so {', '.join(missing)} must say where they are")
    kafka, mongo, redis = (os.environ[name] for name in EXTERNAL)
    return Servers(KafkaSettings(servers=kafka), mongo, redis)
