"""Ingests news: stores it, then queues what must be calculated again; a job does the calculating."""

# The order makes a crash harmless: store, enqueue, record. Killed in between, Kafka delivers the batch again,
# and old news is enqueued and recorded like new. What is recorded was stored and enqueued before, so a run
# whose things are all recorded only has to wait until the queue has passed that moment (`RunCloser`).

from collections import defaultdict
from collections.abc import Callable, Sequence

from billing.observations.change_notice import ChangeNotice, affected_refs
from billing.observations.ports import ObservationStore, RecalculationRequests, ReceiptLog
from billing.usage.ref import Ref
from shared.contracts.base import State


class ObservationIngestor:
    """Ingests observations, decisions and changes of integrations."""

    def __init__(
        self,
        observations: ObservationStore,
        receipts: ReceiptLog,
        queue: RecalculationRequests,
        *,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the reconciler that there is work."""
        self._observations, self._receipts, self._queue, self._wake = observations, receipts, queue, wake

    async def ingest(self, news: Sequence[State]) -> None:
        """Takes in a batch of news of one kind, of any tenants."""
        by_tenant: defaultdict[str, list[ChangeNotice]] = defaultdict(list)
        for state in news:
            by_tenant[state.tenant_id].append(ChangeNotice.of(state))
        for tenant_id, notices in by_tenant.items():
            moved_from = await self._observations.store(tenant_id, notices)
            left: dict[Ref, Sequence[str]] = dict.fromkeys(moved_from, ())
            await self._queue.enqueue_refs(tenant_id, left | affected_refs(notices))
            await self._receipts.record(tenant_id, notices)
        self._wake()
