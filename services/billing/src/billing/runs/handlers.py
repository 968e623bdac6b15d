"""The ends of runs. Hears runs finished on both sides; a job closes them."""

from collections.abc import Callable

from faststream.kafka import KafkaBroker

from billing.runs.run_closer import RunCloser
from shared.contracts import psa_sync, vendor_sync
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"


def register(broker: KafkaBroker, closing: RunCloser, *, wake: Callable[[], None], health: Health) -> None:
    """Subscribe to both sides' run-finished."""

    async def on_vendor_runs_finished(news: list[vendor_sync.VendorRunFinished]) -> None:
        await closing.hear(news)
        wake()

    async def on_psa_runs_finished(news: list[psa_sync.PsaRunFinished]) -> None:
        await closing.hear(news)
        wake()

    consume(broker, vendor_sync.VendorRunFinished, on_vendor_runs_finished, service=SERVICE, health=health)
    consume(broker, psa_sync.PsaRunFinished, on_psa_runs_finished, service=SERVICE, health=health)
