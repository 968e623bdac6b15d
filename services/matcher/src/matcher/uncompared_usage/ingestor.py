"""Takes usage lines from Kafka into matcher's own read model."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from matcher.uncompared_usage.models import StatedLine, state_of
from shared.contracts.billing import UsageLineChanged


class UncomparedLines(Protocol):
    """Keeps the lines that nothing compares, and their sums."""

    async def store_newer(self, tenant_id: str, states: Sequence[StatedLine]) -> None:
        """Stores each state unless the same or a larger revision of the line is there."""
        ...


class UsageIngestor:
    """Stores what billing states of usage lines; the same again, or something older, changes nothing."""

    def __init__(self, store: UncomparedLines) -> None:
        self._store = store

    async def ingest(self, changes: Sequence[UsageLineChanged]) -> None:
        by_tenant: defaultdict[str, list[StatedLine]] = defaultdict(list)
        for changed in changes:
            by_tenant[changed.tenant_id].append(state_of(changed))
        for tenant_id, states in by_tenant.items():
            await self._store.store_newer(tenant_id, states)
