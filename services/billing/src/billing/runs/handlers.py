"""Consumes the ends of runs, which a job then closes, and mappings finished, each of which starts a sync."""

from collections.abc import Callable, Sequence

from faststream.kafka import KafkaBroker

from billing.runs.run_closer import RunCloser
from billing.runs.sync_requests import SyncRequestService
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import PsaRunFinished
from shared.contracts.vendor_sync import VendorRunFinished
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"

_RUNS_FINISHED: tuple[type[VendorRunFinished | PsaRunFinished], ...] = (VendorRunFinished, PsaRunFinished)


def register(
    broker: KafkaBroker,
    closer: RunCloser,
    sync_requests: SyncRequestService,
    *,
    wake: Callable[[], None],
    health: Health,
) -> None:
    """Subscribes to run-finished and mapping-finished; `wake` wakes the job that closes runs."""

    async def on_runs_finished(events: Sequence[VendorRunFinished | PsaRunFinished]) -> None:
        await closer.record(events)
        wake()

    async def on_mappings_finished(events: list[MappingFinished]) -> None:
        for finished in events:
            await sync_requests.start_after_mapping(finished)

    for model in _RUNS_FINISHED:
        consume(broker, model, on_runs_finished, service=SERVICE, health=health)
    consume(broker, MappingFinished, on_mappings_finished, service=SERVICE, health=health)
