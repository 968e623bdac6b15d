"""What a complete run says there is of one kind of items, and whether all of that is stored here."""

# Invariant: a kind of items is *settled* while the items stored here are exactly those that a complete run
# left behind: their checksum was once equal to the run's, and nothing newer has been stored since. Only then
# is it known which names are unique. Observations and run-finished travel apart, so either may come first:
#
#   stored {1 r7}, run r9 says {1 r7, 2 r8} → waits     2 r8 comes → equal: settled
#   a later run states 3 r12 → newer than all of r9, not settled   that run ends, says {1, 2, 3} → settled
#
# A run that is partial or failed says nothing: it may have missed a namesake.

from dataclasses import dataclass
from datetime import datetime

from matcher.catalogue.items import ItemKind
from shared.contracts.base import key_of
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved
from shared.contracts.run_end import RunFinished
from shared.contracts.topic_checksum import TopicChecksum
from shared.contracts.vendor_sync import ServiceObserved, VendorAccountObserved

TOPICS = {
    ItemKind.VENDOR_ACCOUNTS: VendorAccountObserved.topic,
    ItemKind.VENDOR_SERVICES: ServiceObserved.topic,
    ItemKind.PSA_ACCOUNTS: PsaAccountObserved.topic,
    ItemKind.PSA_PRODUCTS: ProductObserved.topic,
}
"""The topic that states the items of each kind."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All items of one kind that an integration has, by the newest complete run."""

    kind: ItemKind
    tenant_id: str
    integration_id: str
    run_id: str
    revision: int
    """The first of the run's revisions: that of a later run is larger."""
    stated: TopicChecksum
    heard_at: datetime
    verified: bool = False
    """Whether the items stored here were once exactly these."""

    @property
    def key(self) -> str:
        return key_of(self.tenant_id, self.kind, self.integration_id)


def inventories_of(finished: RunFinished, heard_at: datetime) -> list[Inventory]:
    """Returns what the end of a run says of each kind of items; nothing unless the run is complete."""
    stated = {checksum.topic: checksum for checksum in finished.checksums}
    return [
        Inventory(
            kind=kind,
            tenant_id=finished.tenant_id,
            integration_id=finished.integration_id,
            run_id=finished.run_id,
            revision=finished.first_revision,
            stated=stated[topic],
            heard_at=heard_at,
        )
        for kind, topic in TOPICS.items()
        if topic in stated
    ]
