"""Ingests news: stores it, then queues what must be calculated again; a job does the calculating."""

# The order makes a crash harmless: store, then enqueue. Killed in between, Kafka delivers the batch again,
# and old news is enqueued like new. News of subscriptions and agreement lines changes no number: the manifest
# that names it does (`ManifestApplier`). Nor does news that tells only new evidence of an account, a service
# or a product, by which people recognise it:
#
#   stored Acme r5   Acme r6, now in Leeds → stored, nothing is calculated   Acme Ltd r7 → calculated again

from collections import defaultdict
from collections.abc import Callable, Sequence

from billing.observations.change_notice import (
    ChangeNotice,
    affected_refs,
    arriving_revisions,
    read_backs,
)
from billing.observations.ports import ManifestStore, ObservationStore, ReadBackLog, WorkRequests
from shared.contracts.base import State
from shared.contracts.manifest import AccountRead


class ObservationIngestor:
    """Ingests observations, decisions and changes of integrations."""

    def __init__(
        self,
        observations: ObservationStore,
        read_back_log: ReadBackLog,
        queue: WorkRequests,
        *,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the reconciler that there is work."""
        self._observations, self._read_back_log, self._queue = observations, read_back_log, queue
        self._wake = wake

    async def ingest(self, news: Sequence[State]) -> None:
        """Takes in a batch of news of one kind, of any tenants."""
        by_tenant: defaultdict[str, list[ChangeNotice]] = defaultdict(list)
        for state in news:
            by_tenant[state.tenant_id].append(ChangeNotice.of(state))
        for tenant_id, notices in by_tenant.items():
            stored = await self._observations.store(tenant_id, notices)
            others = stored.moved_from | await self._read_back_log.note(tenant_id, read_backs(notices))
            affected = affected_refs(stored.affecting)
            await self._queue.enqueue_refs(tenant_id, affected | others if affected else affected)
            await self._queue.enqueue_arrivals(tenant_id, arriving_revisions(notices))
        self._wake()


class ManifestIngestor:
    """Ingests the parts of manifests; they count once everything that they name is stored."""

    def __init__(self, manifests: ManifestStore, *, wake: Callable[[], None]) -> None:
        """`wake` tells the applier that parts have come."""
        self._manifests, self._wake = manifests, wake

    async def ingest(self, parts: Sequence[AccountRead]) -> None:
        """Takes in a batch of parts, of any accounts and tenants."""
        by_tenant: defaultdict[str, list[AccountRead]] = defaultdict(list)
        for part in parts:
            by_tenant[part.tenant_id].append(part)
        for tenant_id, of_tenant in by_tenant.items():
            await self._manifests.store(tenant_id, of_tenant)
        self._wake()
