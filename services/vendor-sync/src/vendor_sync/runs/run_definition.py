"""A run of a marketplace, step by step; full and quick differ in which details are due."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.sync_engine.models import RunTally
from shared.sync_engine.run_worker import RunContext, RunStep
from vendor_sync.runs.accounts import read_accounts
from vendor_sync.runs.details import read_details
from vendor_sync.runs.listing import list_again, list_first
from vendor_sync.runs.ports import Clock, Connect, DetailQueue
from vendor_sync.runs.run_context import VendorRunContext
from vendor_sync.runs.service_names import settle_names

Notes = Mapping[str, str] | None
_COUNTED = ("accounts", "subscriptions", "vanished")
_SHORTFALLS = ("_short", "_unread")


@dataclass(frozen=True, slots=True)
class VendorRunDefinition:
    """What a run of a marketplace consists of."""

    connect: Connect
    todo: DetailQueue
    clock: Clock

    async def steps(self, walk: RunContext) -> Sequence[RunStep]:  # noqa: ARG002  the same for every run
        return (
            self._step("accounts", read_accounts),
            self._step("subscriptions", list_first),
            self._step("details", read_details),
            self._step("confirming", list_again),
            self._step("remaining", read_details),
            self._step("names", settle_names),
        )

    async def tally(self, walk: RunContext) -> RunTally:
        """Nothing counts as read before the lists are known."""
        notes, stand = walk.run.notes, await self.todo.stand(walk.run)
        counts = {name: int(notes[name]) for name in _COUNTED if name in notes}
        counts |= {"details": stand.done, "kept": stand.kept, "failed": stand.failed}
        coverage = stand.coverage if "subscriptions" in notes else Decimal(0)
        short = [why for name, why in notes.items() if why and name.endswith(_SHORTFALLS)]
        if stand.failed:
            short.append(f"{stand.failed} of {stand.total} details could not be read: {stand.failure}")
        return RunTally(counts, coverage, tuple(short))

    def _step(self, name: str, read: Callable[[VendorRunContext], Awaitable[Notes]]) -> RunStep:
        async def do(walk: RunContext) -> Notes:
            async with self.connect(walk.claimed.known) as marketplace:
                walk.progress.held_for = lambda: marketplace.held_for
                return await read(VendorRunContext(walk, marketplace, self.todo, self.clock))

        return RunStep(name, do)
