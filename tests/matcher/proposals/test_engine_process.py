"""The engine in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_proposals import EngineHere, MemoryPasses
from matcher_store import MemoryStore
from matcher_world import memory_world

from matcher.catalogue.ingestor import item_of
from matcher.catalogue.items import Item
from matcher.proposals.engine_process import EngineProcess
from matcher.proposals.models import EngineAnswer
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


@pytest.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    engine = EngineProcess()
    yield engine
    await engine.close()


async def test_a_process_ranks_as_the_engine_does_here(engine: EngineProcess) -> None:
    accounts = MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS
    services = (
        MappingKind.SERVICE,
        [item_of(a_service("s", "Microsoft 365 Business Premium", "CFQ7"))],
        [item_of(a_product("p", "M365 Business Premium - monthly", "M365-BP"))],
    )

    for task in (accounts, services):
        found = await engine.rank(*task)
        assert found.ranked == (await EngineHere().rank(*task)).ranked
        assert found.ranked
        assert found.is_whole


async def test_the_process_stays_and_tells_who_knows_the_rest_what_has_changed(engine: EngineProcess) -> None:
    first = await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)
    pid = await started(engine)
    more = [*VENDOR_ITEMS, item_of(a_vendor_account("x", "Northwind Traders"))]
    companies = [*PSA_ITEMS, item_of(a_psa_account("y", "Northwind Traders LLC"))]

    second = await engine.rank(MappingKind.ACCOUNT, more, companies, since=first.token)
    third = await engine.rank(
        MappingKind.ACCOUNT, more, companies, since=second.token, wanted=[VENDOR_ITEMS[0].key]
    )
    again = await engine.rank(MappingKind.ACCOUNT, more, companies, since=first.token)

    assert await started(engine) == pid
    assert (set(second.ranked), second.is_whole) == ({more[-1].key}, False)
    assert dict(third.ranked) == {VENDOR_ITEMS[0].key: first.ranked[VENDOR_ITEMS[0].key]}
    assert again.is_whole
    assert {**first.ranked, **second.ranked} == again.ranked


async def test_a_process_that_dies_is_tried_again(engine: EngineProcess) -> None:
    ranking = asyncio.create_task(engine.rank(MappingKind.ACCOUNT, LARGE, LARGE_PSA))

    os.kill(await started(engine), signal.SIGKILL)

    with pytest.raises(TransientError, match="ended with -9, comparing 4000 with 4000 items"):
        await ranking
    assert (await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)).ranked


async def test_a_process_that_died_between_two_tasks_is_replaced_and_told_all(engine: EngineProcess) -> None:
    first = await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)
    process = engine.running
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()  # the loop hears of it a moment after the system knows

    second = await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS, since=first.token)

    assert (second.ranked, second.is_whole) == (first.ranked, True)


async def test_nobody_who_waits_leaves_no_process(engine: EngineProcess) -> None:
    ranking = asyncio.create_task(engine.rank(MappingKind.ACCOUNT, LARGE, LARGE_PSA))
    pid = await started(engine)

    ranking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ranking
    assert not is_alive(pid)


async def test_a_process_with_nothing_to_do_ends() -> None:
    hasty = EngineProcess(idle=timedelta(seconds=0.05))
    first = await hasty.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)
    pid = await started(hasty)

    async with asyncio.timeout(60):
        while is_alive(pid):
            await asyncio.sleep(0.01)

    again = await hasty.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS, since=first.token)
    await hasty.close()
    assert again.is_whole


async def test_very_long_lists_are_not_kept() -> None:
    small = EngineProcess(most_kept=50)

    found = await small.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)

    assert (found.token, found.is_whole, small.running) == (None, True, None)
    assert found.ranked == (await EngineHere().rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)).ranked


async def test_a_service_that_stops_leaves_no_process(engine: EngineProcess) -> None:
    await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)
    pid = await started(engine)

    await engine.close()

    assert not is_alive(pid)


async def test_a_service_that_was_killed_leaves_no_process() -> None:
    code = """
import asyncio, os, signal
from test_engine_process import PSA_ITEMS, VENDOR_ITEMS
from matcher.proposals.engine_process import EngineProcess
from shared.contracts.matcher import MappingKind

async def main():
    engine = EngineProcess()
    await engine.rank(MappingKind.ACCOUNT, VENDOR_ITEMS, PSA_ITEMS)
    print(engine.running.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    said, _ = await service.communicate()
    pid = int(said)

    async with asyncio.timeout(60):
        while is_alive(pid):
            await asyncio.sleep(0.01)
    assert service.returncode == -signal.SIGKILL


async def test_a_tenant_whose_process_dies_is_set_aside_and_the_others_go_on() -> None:
    class Dying(EngineHere):
        async def rank(
            self, kind: MappingKind, vendor: Sequence[Item], psa: Sequence[Item], **asked: Any
        ) -> EngineAnswer:
            if vendor[0].tenant_id == "demo":
                raise TransientError("the process died")
            return await super().rank(kind, vendor, psa, **asked)

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
