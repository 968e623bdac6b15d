"""Finds the entries of an account in the queue, for one step of one run."""

# Invariant: the entries of an account are all that the queue holds of it. The queue has no index by account:
# one look at all keys tells whose they are, and what the step adds itself is added here, too. Nobody else
# adds entries meanwhile: the queue is of the worker that has the run.
#
#   keys c1/s1 c1/s2 c2/s3 → c1 {s1, s2}, c2 {s3}      s4 moves to c2 → added: c2 {s3, s4}

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from itertools import islice

from shared.sync_engine.models import Run
from vendor_sync.runs.detail_queue import DetailEntry
from vendor_sync.runs.ports import DetailQueue

_ENTRIES_PER_PAGE = 500


class AccountEntries:
    """The entries of each account, by their keys."""

    def __init__(self, queue: DetailQueue, run: Run) -> None:
        self._queue, self._run = queue, run
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        self._are_loaded = False

    def note(self, account_id: str, keys: Iterable[str]) -> None:
        """Notes that the queue holds these entries of the account, added by this step or not."""
        self._keys[account_id].update(keys)

    async def of(self, account_ids: Iterable[str]) -> AsyncGenerator[list[DetailEntry], None]:
        """Yields all entries of these accounts page by page, sorted by their keys."""
        if not self._are_loaded:
            async for account_id, key in self._queue.keys(self._run):
                self._keys[account_id].add(key)
            self._are_loaded = True
        rest = iter(sorted(key for account_id in account_ids for key in self._keys.get(account_id, ())))
        while page := list(islice(rest, _ENTRIES_PER_PAGE)):
            existing = await self._queue.existing(self._run, page)
            yield [existing[key] for key in page if key in existing]
