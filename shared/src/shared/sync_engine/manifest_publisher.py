"""Publishes manifests, and remembers of each account what the next one needs to know."""

# Invariant: the record names no manifest that was not published. The record is stored after Kafka has
# acknowledged all parts, only by the worker that has the run: killed in between, the account counts as not
# manifested, and its manifest is published once more, under a larger revision and the same number.
#
#   account 7, run r1   nth 1 → published → recorded      collected again in r1: nth 2 → published → killed
#   the next worker: the record says nth 1, so nth 2 is published again → recorded

from collections.abc import Iterable, Iterator, Sequence

from shared.contracts.manifest import AccountRead
from shared.mongo import Mongo, Session
from shared.sync_engine.account_manifest import AccountManifest
from shared.sync_engine.manifest_records import ManifestRecords
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.run_repository import assert_ownership

_MESSAGES_AT_ONCE = 500
_ENTRIES_AT_ONCE = 8_000
"""The parts of a large account are made as they are sent: all at once they would take much memory."""


class ManifestPublisher:
    """Publishes the manifests of one side's runs."""

    def __init__(self, mongo: Mongo, model: type[AccountRead]) -> None:
        self._mongo, self._model = mongo, model
        self.records = ManifestRecords(mongo)

    async def publish(self, context: RunContext, manifests: Sequence[AccountManifest]) -> int:
        """Publishes these manifests, each of another account, and records them; returns their revision.

        Raises `LeaseLost` past the lease's deadline, or when another worker has the run.
        """
        if not manifests:
            return 0
        run = context.run
        before = await self.records.get_many(run, [manifest.account_id for manifest in manifests])
        # After everything that the manifests name was read: a later manifest has the larger revision.
        stamp = await context.stamp()
        numbered: dict[str, tuple[AccountManifest, int]] = {}
        for manifest in manifests:
            record = before.get(manifest.account_id)
            nth = record.nth + 1 if record and record.run_id == run.run_id else 1
            numbered[manifest.account_id] = manifest, nth
        messages = (
            message
            for manifest, nth in numbered.values()
            for message in manifest.messages(self._model, stamp, nth)
        )
        for batch in _batches(messages):
            await context.publisher.publish_manifests(batch)

        async def work(session: Session) -> None:
            await assert_ownership(self._mongo, run, session)
            await self.records.put(run, numbered, revision=stamp.revision, session=session)

        await self._mongo.transaction(work)
        return stamp.revision


def _batches(messages: Iterable[AccountRead]) -> Iterator[list[AccountRead]]:
    batch, entries = list[AccountRead](), 0
    for message in messages:
        batch.append(message)
        entries += 1 + len(message.things) + len(message.unreadable) + len(message.spans)
        if len(batch) >= _MESSAGES_AT_ONCE or entries >= _ENTRIES_AT_ONCE:
            yield batch
            batch, entries = [], 0
    if batch:
        yield batch
