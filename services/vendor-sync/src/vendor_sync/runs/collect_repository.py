"""Stores how far a run is with the accounts that it collects more than once; one document for each."""

# Invariant: a document is of the run that it names. What an earlier run left counts for nothing and is
# replaced when its account changes again. One document, without an account, is of the run as a whole.

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.base import key_of
from shared.mongo import Documents, Mongo, Put, Session
from shared.sync_engine.models import Run
from shared.sync_engine.run_repository import assert_ownership
from vendor_sync.runs.account_collect import AccountCollect

COLLECTION = "collects"

_COLLECT: TypeAdapter[AccountCollect] = TypeAdapter(AccountCollect)


class CollectRepository:
    """Keeps the collects of the present run of each integration."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_run(self, run: Run) -> dict[str, AccountCollect]:
        prefix = _id(run, "")
        of_run = {"_id": {"$gt": prefix, "$lt": prefix + "\uffff"}, "run_id": run.run_id}
        collects = [_COLLECT.validate_python(document) for document in await self._rows(run).find(of_run)]
        return {collect.account_id: collect for collect in collects}

    async def put(self, run: Run, collects: Sequence[AccountCollect]) -> None:
        if collects:
            await self._put(
                run,
                [
                    _COLLECT.dump_python(collect, mode="json") | {"_id": _id(run, collect.account_id)}
                    for collect in collects
                ],
            )

    async def can_list_accounts(self, run: Run) -> bool:
        row = await self._rows(run).get(_id(run, ""))
        return row is None or row["run_id"] != run.run_id

    async def note_no_account_lists(self, run: Run) -> None:
        await self._put(run, [{"_id": _id(run, "")}])

    async def _put(self, run: Run, documents: Sequence[dict[str, Any]]) -> None:
        changes = [Put(document | {"run_id": run.run_id}) for document in documents]

        async def work(session: Session) -> None:
            await assert_ownership(self._mongo, run, session)
            await self._rows(run).bulk(changes, session=session)

        await self._mongo.transaction(work)

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _id(run: Run, account_id: str) -> str:
    return key_of(run.tenant_id, run.integration_id, account_id)
