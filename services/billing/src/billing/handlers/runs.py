"""The ends of runs. Hears runs finished on both sides; a job closes them."""

from collections.abc import Callable

from faststream.kafka import KafkaBroker

from billing.service.closing import Closing
from shared.contracts import psa_sync, vendor_sync
from shared.health import Health
from shared.kafka import consume

SERVICE = "billing"


def register(broker: KafkaBroker, closing: Closing, *, wake: Callable[[], None], health: Health) -> None:
    """Subscribe to both sides' run-finished."""

    async def on_vendor_runs_finished(news: list[vendor_sync.RunFinished]) -> None:
        await closing.hear(news)
        wake()

    async def on_psa_runs_finished(news: list[psa_sync.RunFinished]) -> None:
        await closing.hear(news)
        wake()

    consume(broker, vendor_sync.RunFinished, on_vendor_runs_finished, service=SERVICE, health=health)
    consume(broker, psa_sync.RunFinished, on_psa_runs_finished, service=SERVICE, health=health)
