"""The one way to Kafka: durable, idempotent, and quiet."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from faststream.kafka import KafkaBroker

from shared.kafka.connection import connection_security
from shared.kafka.tolerant_consumer import TolerantConsumer
from shared.runtime.settings import KafkaSettings

GRACEFUL_TIMEOUT = timedelta(seconds=15)
"""How long a handler may go on when its service ends."""
PRODUCER_OPTIONS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": 5,
    "max_batch_size": 256 * 1024,  # bytes
}
"""How every producer sends: acknowledged by all replicas, each record once, in batches."""


def make_broker(settings: KafkaSettings, service: str) -> KafkaBroker:
    """Builds a service's broker; it creates no topics, which come from `shared.kafka.topics` alone."""
    return _TolerantBroker(
        settings.servers.split(","),
        security=connection_security(settings),
        client_id=service,
        **PRODUCER_OPTIONS,
        allow_auto_create_topics=False,
        graceful_timeout=GRACEFUL_TIMEOUT.total_seconds(),  # None and 0 both mean "do not wait"
        apply_types=False,  # the pipeline decodes by itself
        logger=None,  # two lines a message cost a fifth of the throughput; the pipeline writes its own
    )


class _TolerantBroker(KafkaBroker):
    """FastStream's broker, but for its consumers, which no record stops."""

    async def _connect(self) -> Callable[..., Any]:
        build: partial[Any] = await super()._connect()  # type: ignore[assignment]  # it is one
        config = self.config.broker_config
        config.builder = partial(TolerantConsumer, **build.keywords)
        return config.builder
