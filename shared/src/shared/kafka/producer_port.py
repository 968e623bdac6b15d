"""The part of a broker that sending needs."""

from typing import Any, Protocol


class Producer(Protocol):
    """Hands a message to Kafka; with `no_confirm` the future of its acknowledgement comes back."""

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
