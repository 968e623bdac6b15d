"""The part of a broker that sending needs."""

from typing import Any, Protocol


class Producer(Protocol):
    """Hands one message to Kafka, and returns once it is acknowledged.

    With `no_confirm` it returns as soon as the message is handed over, with the future of its acknowledgement
    (the test broker returns None).
    """

    async def publish(
        self,
        message: bytes,
        topic: str,
        /,
        *,
        key: bytes | None,
        headers: dict[str, str],
        correlation_id: str | None = None,
        no_confirm: bool = False,
    ) -> Any: ...
