"""Remembers that the database was restored: it has forgotten what was sent, and how it ended."""

# Invariant: what was approved before a restore was found is not sent any more, and not said to be unsent: it
# may have been sent, and its end been told, so that nobody expects it any more. Its line is looked at, and
# tells whether it was written; else a person must look. No other write to the line begins while a request
# that is forgotten may still arrive.
#
#   backup │ apr_1 approved, sent │ restored, found at 12:00 │ command apr_1 again → looked at from 12:07 on
#                                                            │ apr_2 approved → begun at 12:07

from datetime import datetime, timedelta

from psa_sync.writes.intent import Intent
from shared.mongo import Mongo, Update
from shared.runtime.clock import StoreTime

_COLLECTION, _ROW = "write_restores", "last"
_CLOCKS_DIFFER = timedelta(seconds=10)
"""How far billing's clock may be ahead of the store's."""


class WriteRestores:
    """The last restore of this service's own database; every method raises `TransientError` without it."""

    def __init__(self, mongo: Mongo, clock: StoreTime) -> None:
        self._rows, self._clock = mongo.all_tenants(_COLLECTION), clock

    async def note(self) -> None:
        """Notes that the database was found to be restored."""
        now = await self._clock()
        await self._rows.bulk([Update({"_id": _ROW}, {"$set": {"found_at": now}}, upsert=True)])

    async def found_at(self) -> datetime | None:
        """Returns when the last restore was found; None when there was none."""
        row = await self._rows.get(_ROW)
        return row["found_at"] if row else None


def may_be_forgotten(intent: Intent, found_at: datetime) -> bool:
    """Tells whether a restore may have forgotten what became of a write."""
    decided_at = intent.command.decided_at
    return not intent.restored and (decided_at is None or decided_at <= found_at + _CLOCKS_DIFFER)
