"""Calculates lines anew within a request, so that nobody decides on outdated ground."""

# Invariant: a line that is returned rests on all news that was queued before the call began. News is stored
# first and queued then, or both in one transaction; so the queue is read first, and what was stored after it.
# A manifest that waits to be applied is arriving: it counts, and is queued, when it is applied.
#
#   queue: {v:acme}   asked for a line of co1, to which acme is mapped → co1's group is loaded and calculated
#   queue: {v:zed}    asked for the same line                          → nothing is: the stored line stands
#
# Nothing is stored here: an approval stores what it was made on, and the reconciler does so by its own time.

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from billing.reconciliation.group_calculation import calculate_group
from billing.reconciliation.ports import GroupLoader
from billing.usage.diff import LineRevision, revise_line
from billing.usage.failure import failed_line
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.contracts.base import utc
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock, utc_now

log = structlog.get_logger()

_ACCOUNTS_PER_LOAD = 16
"""Accounts that are loaded together: it bounds memory."""


class WaitingWork(Protocol):
    """Knows what waits to be calculated again; see `RecalculationQueue`."""

    async def waiting_refs(self, tenant_id: str) -> set[Ref]: ...


class StoredLines(Protocol):
    """Knows the lines as they were reconciled last; see `UsageLineRepository`."""

    async def get_many(self, tenant_id: str, line_ids: Iterable[str]) -> Mapping[str, UsageLine]: ...


class LineRecalculator:
    """Calculates lines as they are by everything that is known at this moment."""

    def __init__(
        self,
        queue: WaitingWork,
        groups: GroupLoader,
        lines: StoredLines,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._queue, self._groups, self._lines, self._clock = queue, groups, lines, clock

    async def of_waiting(self, tenant_id: str, line_ids: Collection[str]) -> dict[str, LineRevision]:
        """Returns those of the lines whose account group waits in the work queue, calculated anew.

        While nothing waits this is one read.
        """
        refs = await self._queue.waiting_refs(tenant_id)
        if not refs:
            return {}
        waiting = {ref for ref in refs if ref.is_account}
        if others := refs - waiting:
            waiting |= await self._groups.affected_accounts(tenant_id, others)
        lines = await self._lines.get_many(tenant_id, line_ids)
        groups = await self._groups.group_accounts(tenant_id, {line.account for line in lines.values()})
        concerned = [
            line
            for line in lines.values()
            if waiting & groups[line.account] or waiting.intersection(map(Ref.decode, line.vendor_accounts))
        ]
        return await self._revisions(tenant_id, concerned)

    async def of_lines(self, tenant_id: str, line_ids: Collection[str]) -> dict[str, LineRevision]:
        """Returns these lines, calculated anew; ids without a line are left out."""
        lines = await self._lines.get_many(tenant_id, line_ids)
        return await self._revisions(tenant_id, [*lines.values()])

    async def _revisions(self, tenant_id: str, lines: Sequence[UsageLine]) -> dict[str, LineRevision]:
        accounts, now = sorted({line.account for line in lines}), utc(self._clock())
        calculated: dict[str, UsageLine] = {}
        failed: set[Ref] = set()
        for start in range(0, len(accounts), _ACCOUNTS_PER_LOAD):
            batch = accounts[start : start + _ACCOUNTS_PER_LOAD]
            failed |= await self._calculate(tenant_id, batch, now, calculated)
        revisions: dict[str, LineRevision] = {}
        for line in lines:
            anew = failed_line(line, now) if line.account in failed else calculated.get(line.line_id)
            if revision := revise_line(line, anew, now):
                revisions[line.line_id] = revision
        return revisions

    async def _calculate(
        self, tenant_id: str, accounts: Sequence[Ref], now: datetime, calculated: dict[str, UsageLine]
    ) -> set[Ref]:
        """Adds the lines of these accounts by id; returns the accounts whose group cannot be calculated.

        As the reconciler does, it halves a batch that fails until the failing account stands alone.
        """
        outcome = await attempt(self._lines_of(tenant_id, accounts, now))
        if isinstance(outcome, TransientError):
            raise outcome
        if not isinstance(outcome, Exception):
            calculated |= outcome
            return set()
        if len(accounts) > 1:
            middle = len(accounts) // 2
            first = await self._calculate(tenant_id, accounts[:middle], now, calculated)
            return first | await self._calculate(tenant_id, accounts[middle:], now, calculated)
        log.error("line_not_recalculated", tenant_id=tenant_id, account=str(accounts[0]), exc_info=outcome)
        return {*accounts}

    async def _lines_of(self, tenant_id: str, accounts: Sequence[Ref], now: datetime) -> dict[str, UsageLine]:
        loaded = await self._groups.load_groups(tenant_id, accounts)
        lines: dict[str, UsageLine] = {}
        for group in loaded.groups:
            lines |= {line.line_id: line for line in await calculate_group(group, now)}
        return lines
