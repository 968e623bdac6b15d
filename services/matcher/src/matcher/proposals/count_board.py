"""Shows on the status channel how far the mapping of each marketplace has come."""

# Invariant: a while after a pass, the status of every marketplace says what the pass counted, whatever was
# lost in Redis meanwhile. The counts are stored with the pass; all that is stored is shown again and again,
# and what a status says already is told to nobody:
#
#   pass: 8 undecided, stored   shown, told   shown again: nothing   Redis flushed   shown, told again

from collections import defaultdict
from datetime import timedelta
from typing import Protocol

import structlog

from matcher.proposals.models import StoredCounts
from shared.contracts.matcher import MappingKind
from shared.errors import TransientError
from shared.mapping_counts import KindCounts, MappingCounts
from shared.runtime.jobs import Job

log = structlog.get_logger()

_INTERVAL = timedelta(seconds=10)
_FIELDS = {MappingKind.ACCOUNT: "accounts", MappingKind.SERVICE: "services"}


class CountReader(Protocol):
    """Reads what passes have counted."""

    async def counts(self) -> list[StoredCounts]:
        """Returns the counts of all tenants' marketplaces, each kind by itself."""
        ...


class MappingBoard(Protocol):
    """Where dashboards look; see `StatusChannel`."""

    async def show_mapping(self, tenant_id: str, integration_id: str, counts: MappingCounts) -> None: ...


class CountBoard:
    """Shows what is stored; `job()` must run for it."""

    def __init__(self, reader: CountReader, board: MappingBoard) -> None:
        self._reader, self._board = reader, board
        self._fault: str | None = None

    def job(self) -> Job:
        return Job("mapping counts", self.show, _INTERVAL)

    async def show(self) -> bool:
        """Shows all counts; without Redis it says so once, for all is shown again soon."""
        by_end: defaultdict[tuple[str, str], dict[str, KindCounts]] = defaultdict(dict)
        for one in await self._reader.counts():
            by_end[one.tenant_id, one.integration_id][_FIELDS[one.kind]] = one.counts
        try:
            for (tenant_id, integration_id), counts in sorted(by_end.items()):
                await self._board.show_mapping(tenant_id, integration_id, MappingCounts(**counts))
        except TransientError as error:
            if self._fault is None:
                log.warning("mapping_counts_not_shown", error=str(error))
            self._fault = str(error)
        else:
            self._fault = None
        return False
