"""The engine in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_proposals import EngineHere, MemoryPasses
from matcher_store import MemoryStore
from matcher_world import memory_world

from matcher.catalogue.ingestor import item_of
from matcher.catalogue.items import Item
from matcher.proposals.engine_process import EngineProcess
from matcher.proposals.models import RankedItem
from matcher.proposals.recomputation import ProposalRecomputation
from shared.contracts.matcher import MappingKind
from shared.errors import TransientError
from shared.runtime.clock import utc_now

pytestmark = pytest.mark.server

VENDOR_ITEMS = [item_of(a_vendor_account(f"v{n}", f"Contoso Dental {n}")) for n in range(40)]
PSA_ITEMS = [item_of(a_psa_account(f"p{n}", f"Contoso Dental {n} LLC")) for n in range(40)]
LARGE = [item_of(a_vendor_account(f"v{n}", f"Contoso Dental Branch {n}")) for n in range(4_000)]
LARGE_PSA = [item_of(a_psa_account(f"p{n}", f"Contoso Dental Branch {n} LLC")) for n in range(4_000)]


async def started(engine: EngineProcess) -> int:
    """Returns the process's id once there is one."""
    deadline = time.monotonic() + 60
    while engine.running is None:
        assert time.monotonic() < deadline, "no process was started"
        await asyncio.sleep(0.01)
    return engine.running.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_process_ranks_as_the_engine_does_here() -> None:
    accounts = MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS
    services = (
        MappingKind.SERVICE,
        [item_of(a_service("s", "Microsoft 365 Business Premium", "CFQ7"))],
        [item_of(a_product("p", "M365 Business Premium - monthly", "M365-BP"))],
    )

    for task in (accounts, services):
        found = await EngineProcess().rank(*task)
        assert found == await EngineHere().rank(*task)
        assert found


async def test_a_process_that_dies_is_tried_again() -> None:
    engine = EngineProcess()
    ranking = asyncio.create_task(engine.rank(MappingKind.ACCOUNT, LARGE, LARGE_PSA))

    os.kill(await started(engine), signal.SIGKILL)

    with pytest.raises(TransientError, match="ended with -9, comparing 4000 with 4000 items"):
        await ranking
    assert await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)


async def test_nobody_who_waits_leaves_no_process() -> None:
    engine = EngineProcess()
    ranking = asyncio.create_task(engine.rank(MappingKind.ACCOUNT, LARGE, LARGE_PSA))
    pid = await started(engine)

    ranking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ranking
    assert not is_alive(pid)


async def test_a_tenant_whose_process_dies_is_set_aside_and_the_others_go_on() -> None:
    class Dying(EngineHere):
        async def rank(
            self, kind: MappingKind, vendor: Sequence[Item], psa: Sequence[Item]
        ) -> dict[str, list[RankedItem]]:
            if vendor[0].tenant_id == "demo":
                raise TransientError("the process died")
            return await super().rank(kind, vendor, psa)

    world = memory_world()
    for tenant in ("demo", "other"):
        await world.receive(
            an_integration(tenant_id=tenant),
            a_psa(tenant_id=tenant),
            a_vendor_account("1", "Contoso Dental", tenant_id=tenant),
            a_psa_account("9", "Contoso Dental LLC", tenant_id=tenant),
        )
    store = world.store
    assert isinstance(store, MemoryStore)
    passes = ProposalRecomputation(MemoryPasses(store, utc_now), store, Dying(), utc_now, quiet=timedelta(0))

    while await passes.process_next():
        pass

    assert [len(one.proposals) for one in store.of("other").proposals.values()] == [1]
    assert store.of("demo").proposals == {}
    assert store.of("demo").marks, "it is tried again later"


def test_the_service_loads_no_engine() -> None:
    code = "import sys, matcher.app; print({'numpy', 'scipy', 'sparse_dot_topn'} & sys.modules.keys())"

    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603

    assert said.stdout.strip() == "set()"
