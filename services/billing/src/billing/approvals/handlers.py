"""What follows decisions. Hears quantities written and refused, mappings finished; says sync commands."""

from faststream.kafka import KafkaBroker

from billing.approvals.results import WriteResultService
from billing.runs.sync_requests import SyncRequestService
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"


def register(
    broker: KafkaBroker, *, results: WriteResultService, syncing: SyncRequestService, health: Health
) -> None:
    """Subscribe to what closes approvals and to what starts syncs."""

    async def on_quantities_written(news: list[QuantityWritten]) -> None:
        await results.hear(news)

    async def on_quantities_refused(news: list[QuantityRefused]) -> None:
        await results.hear(news)

    async def on_mappings_finished(news: list[MappingFinished]) -> None:
        for finished in news:
            await syncing.finish(finished)

    consume(broker, QuantityWritten, on_quantities_written, service=SERVICE, health=health)
    consume(broker, QuantityRefused, on_quantities_refused, service=SERVICE, health=health)
    consume(broker, MappingFinished, on_mappings_finished, service=SERVICE, health=health)
