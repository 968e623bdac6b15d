"""The ends of runs, as a sync service publishes them once it has stated what a test says there is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalogue_builders import NOW

from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation, Outcome, RunKind, Side, key_of
from shared.contracts.run_end import RunFinished
from shared.contracts.topic_checksum import ChecksumSum

_TOPICS = {
    Side.VENDOR: (vendor_sync.VendorAccountObserved.topic, vendor_sync.ServiceObserved.topic),
    Side.PSA: (psa_sync.PsaAccountObserved.topic, psa_sync.ProductObserved.topic),
}


@dataclass
class EndedRuns:
    """What each integration has stated so far, and the ends of its runs."""

    _sides: dict[tuple[str, str], Side] = field(default_factory=dict)
    """By tenant and integration."""
    _stated: dict[tuple[str, str], int] = field(default_factory=dict)
    """Revisions, by topic and message key."""
    _ended: int = 0

    def note(self, message: Any) -> None:
        """Notes an integration, or what was observed of it."""
        if isinstance(message, IntegrationChanged):
            self._sides[message.tenant_id, message.integration_id] = message.side
        if isinstance(message, Observation):
            side = Side.VENDOR if message.topic in _TOPICS[Side.VENDOR] else Side.PSA
            self._sides[message.tenant_id, message.integration_id] = side
            row = message.topic, message.key
            self._stated[row] = max(self._stated.get(row, 0), message.revision)

    def end(self, *integration_ids: str) -> list[RunFinished]:
        """Returns the end of a complete run of each of these integrations, of all by default."""
        wanted = [key for key in self._sides if not integration_ids or key[1] in integration_ids]
        return [self._end(tenant_id, integration_id) for tenant_id, integration_id in wanted]

    def _end(self, tenant_id: str, integration_id: str) -> RunFinished:
        self._ended += 1
        side = self._sides[tenant_id, integration_id]
        checksums = [ChecksumSum(topic) for topic in _TOPICS[side]]
        for checksum in checksums:
            for (topic, key), revision in self._stated.items():
                if topic == checksum.topic and key.startswith(f"{key_of(tenant_id, integration_id)}:"):
                    checksum.add(key, revision)
        return an_end(tenant_id, integration_id, side, number=self._ended, checksums=checksums)


def an_end(
    tenant_id: str,
    integration_id: str,
    side: Side,
    *,
    number: int = 1,
    checksums: Iterable[ChecksumSum] = (),
    outcome: Outcome = Outcome.COMPLETE,
) -> RunFinished:
    """A run that ended; a larger number is a later run."""
    kind = vendor_sync.VendorRunFinished if side is Side.VENDOR else psa_sync.PsaRunFinished
    return kind(
        tenant_id=tenant_id,
        integration_id=integration_id,
        run_id=f"run_{number}",
        sync_id=f"sync_{number}",
        generation=1,
        kind=RunKind.FULL,
        outcome=outcome,
        first_revision=number,
        manifests=0,
        counts={},
        checksums=tuple(checksum.result for checksum in checksums),
        coverage=Decimal(1),
        started_at=NOW,
        finished_at=NOW,
    )
