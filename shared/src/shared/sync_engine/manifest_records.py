"""What a sync service remembers of the newest manifest of each account, for the next one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.contracts.base import key_of
from shared.mongo import Document, Documents, Mongo, Put, Session
from shared.sync_engine.account_manifest import AccountManifest, ItemRecord
from shared.sync_engine.models import Run

COLLECTION = "manifests"


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """The newest manifest of an account, as far as the next one needs it."""

    account_id: str
    run_id: str
    nth: int
    """How many manifests of the account that run has published."""
    revision: int
    items: Mapping[str, ItemRecord]


class ManifestRecords:
    """Keeps one record for each account that ever had a manifest."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def get_many(self, run: Run, account_ids: Iterable[str]) -> dict[str, ManifestRecord]:
        """Returns the records of these accounts, by account id; an account without a manifest has none."""
        rows = await self._rows(run).get_many([_id(run, account_id) for account_id in account_ids])
        return {row["account_id"]: _record(row) for row in rows.values()}

    async def of_run(self, run: Run) -> dict[str, int]:
        """Returns how many manifests the run has published of each account, by account id."""
        rows = await self._rows(run).find(_of_integration(run) | {"run_id": run.run_id}, fields=_COUNTED)
        return {row["account_id"]: row["nth"] for row in rows}

    async def revisions(self, run: Run) -> dict[str, int]:
        """Returns the revision of the newest manifest of each account that ever had one, by account id."""
        rows = await self._rows(run).find(_of_integration(run), fields=("account_id", "revision"))
        return {row["account_id"]: row["revision"] for row in rows}

    async def account_ids(self, run: Run) -> set[str]:
        """Returns the ids of all accounts of the integration that ever had a manifest."""
        rows = await self._rows(run).find(_of_integration(run), fields=_COUNTED)
        return {row["account_id"] for row in rows}

    async def awaiting(self, run: Run) -> dict[str, int]:
        """Returns the accounts with an end that no listing has confirmed, and the first that would."""
        awaiting = _of_integration(run) | {"awaited_listing": {"$gt": 0}}
        rows = await self._rows(run).find(awaiting, fields=("account_id", "awaited_listing"))
        return {row["account_id"]: row["awaited_listing"] for row in rows}

    async def put(
        self,
        run: Run,
        manifests: Mapping[str, tuple[AccountManifest, int]],
        *,
        revision: int,
        session: Session,
    ) -> None:
        """Stores the records of manifests that were published; each comes with its number in the run."""
        rows = [_document(run, manifest, nth, revision) for manifest, nth in manifests.values()]
        await self._rows(run).bulk([Put(row) for row in rows], session=session)

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


_COUNTED = ("account_id", "nth")


def _of_integration(run: Run) -> Document:
    prefix = _id(run, "")
    return {"_id": {"$gt": prefix, "$lt": prefix + "\uffff"}}


def _id(run: Run, account_id: str) -> str:
    return key_of(run.tenant_id, run.integration_id, account_id)


def _document(run: Run, manifest: AccountManifest, nth: int, revision: int) -> Document:
    return {
        "_id": _id(run, manifest.account_id),
        "account_id": manifest.account_id,
        "run_id": run.run_id,
        "nth": nth,
        "revision": revision,
        "awaited_listing": manifest.awaited_listing,
        # A list, for an id may hold what the name of a field must not.
        "items": [
            [item, record.changed_revision, record.ended, record.last_ended_at, record.awaited_listing]
            for item, record in manifest.records.items()
        ],
    }


def _record(row: Document) -> ManifestRecord:
    # Rows of earlier releases await no listing.
    items = {item: ItemRecord(*fields) for item, *fields in row["items"]}
    return ManifestRecord(row["account_id"], row["run_id"], row["nth"], row["revision"], items)
