"""Counts lines that are known of and not stored yet: they wait to be calculated."""

# Invariant: what a run makes vanish is a share of all lines, those included that the reconciler has not come
# to. A run that follows another within seconds, as after an outage, is compared with what that one said, and
# not with the few lines that are stored by then.
#
#   stored: 2 lines     waiting: 10 accounts with a line each     2 vanish → 2 of 12, not all 2

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from billing.feeds.models import FeedSize
from billing.reconciliation.group_calculation import calculate_group
from billing.reconciliation.ports import GroupLoader
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.contracts.base import utc
from shared.runtime.clock import Clock, utc_now

_ACCOUNTS_PER_LOAD = 16
"""Accounts that are loaded together: it bounds memory."""
_MOST_ACCOUNTS = 1_000
"""It bounds time; beside so many what is not counted makes little difference."""


class WaitingRefs(Protocol):
    """Knows what waits to be calculated; see `RecalculationQueue`."""

    async def waiting_refs(self, tenant_id: str) -> Collection[Ref]: ...


class StoredLineNumbers(Protocol):
    """Knows the lines as they were stored last; see `UsageLineRepository`."""

    async def lines_of_accounts(self, tenant_id: str, accounts: Collection[Ref]) -> Sequence[UsageLine]: ...


class UncountedLines:
    """Calculates what waits, and stores nothing."""

    def __init__(
        self, queue: WaitingRefs, groups: GroupLoader, lines: StoredLineNumbers, *, clock: Clock = utc_now
    ) -> None:
        self._queue, self._groups, self._lines, self._clock = queue, groups, lines, clock

    async def size(self, tenant_id: str, integration_id: str, counted: Collection[str]) -> FeedSize:
        """Returns how much there is on the side of an integration that is neither stored nor counted."""
        waiting = await self._queue.waiting_refs(tenant_id)
        accounts = {ref for ref in waiting if ref.is_account}
        if others := {*waiting} - accounts:
            accounts |= await self._groups.affected_accounts(tenant_id, others)
        numbers: dict[str, tuple[Decimal, UsageLine]] = {}
        chosen = sorted(accounts)[:_MOST_ACCOUNTS]
        for start in range(0, len(chosen), _ACCOUNTS_PER_LOAD):
            batch = chosen[start : start + _ACCOUNTS_PER_LOAD]
            numbers |= await self._uncounted(tenant_id, integration_id, batch)
        return _size({id_: number for id_, number in numbers.items() if id_ not in counted})

    async def _uncounted(
        self, tenant_id: str, integration_id: str, accounts: Collection[Ref]
    ) -> dict[str, tuple[Decimal, UsageLine]]:
        loaded = await self._groups.load_groups(tenant_id, accounts)
        stored = await self._lines.lines_of_accounts(tenant_id, loaded.replaced_accounts)
        counted = {line.line_id for line in stored if _last_number(line, integration_id)}
        now, numbers = utc(self._clock()), dict[str, tuple[Decimal, UsageLine]]()
        for group in loaded.groups:
            for line in await calculate_group(group, now):
                number = _number(line, integration_id)
                if number and integration_id in line.integration_ids and line.line_id not in counted:
                    numbers[line.line_id] = number, line
        return numbers


def _last_number(line: UsageLine, integration_id: str) -> Decimal | None:
    return line.last_psa if line.psa_integration_id == integration_id else line.last_vendor


def _number(line: UsageLine, integration_id: str) -> Decimal | None:
    count = line.psa_count if line.psa_integration_id == integration_id else line.vendor_count
    return count.known_part if count.number is None else count.number


def _size(numbers: Mapping[str, tuple[Decimal, UsageLine]]) -> FeedSize:
    money = defaultdict[str, Decimal](Decimal)
    for number, line in numbers.values():
        if line.unit_price is not None and line.currency is not None:
            money[line.currency] += number * line.unit_price
    return FeedSize(len(numbers), money)
