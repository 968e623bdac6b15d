"""Everything that runs of marketplaces keep, in one document store."""

from shared.contracts.vendor_sync import VendorAccountRead
from shared.mongo import Mongo
from shared.sync_engine.manifest_publisher import ManifestPublisher
from vendor_sync.runs.billed_together import BilledTogether
from vendor_sync.runs.collect_repository import CollectRepository
from vendor_sync.runs.journal_repository import JournalRepository
from vendor_sync.runs.ports import VendorRunStores
from vendor_sync.runs.repository import DetailQueueRepository


def stores_in(mongo: Mongo) -> VendorRunStores:
    return VendorRunStores(
        DetailQueueRepository(mongo),
        CollectRepository(mongo),
        JournalRepository(mongo),
        ManifestPublisher(mongo, VendorAccountRead),
        BilledTogether(mongo),
    )
