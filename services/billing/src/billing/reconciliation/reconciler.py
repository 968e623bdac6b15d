"""Reconciling what was touched: load whole scopes, compute their lines purely, store what changed."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from billing.reconciliation.scheduler import QUIET, BatchSize, TenantScheduler
from billing.reconciliation.work_item import ReconciliationPass, WorkItem
from billing.usage.account_group import AccountGroup
from billing.usage.calculate import calculate
from billing.usage.diff import LineRevision, revised
from billing.usage.usage_line import UsageLine
from shared.contracts.base import utc
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import PAUSE

log = structlog.get_logger()

ENOUGH = 25_000
"""Accounts in one round, about: bounds memory."""
_MARKS_AT_ONCE = 20
"""Each may name five hundred subscriptions."""
LINES_AT_ONCE = 200
"""Lines in one transaction."""


@dataclass(frozen=True, slots=True)
class LoadedGroups:
    """Scopes, and the refs whose lines these are to replace."""

    scopes: Sequence[AccountGroup]
    replaces: Collection[str]


class Touched(Protocol):
    """Marks that wait."""

    async def tenants(self, now: datetime) -> Collection[str]:
        """Whose marks wait, without those that are set aside until later."""

    async def oldest(
        self, tenant_id: str, now: datetime, *, wide: bool, limit: int, skip: int = 0
    ) -> Sequence[WorkItem]:
        """In order: either those that name accounts only, or the others."""

    async def mark(self, tenant_id: str, touched: Mapping[str, Sequence[str]], *, at: datetime) -> None: ...

    async def set_aside(
        self, tenant_id: str, refs: Collection[str], *, at: datetime, until: datetime
    ) -> None:
        """Mark what failed, to be seen to no earlier than `until`."""

    async def remove(self, ids: Collection[str]) -> None: ...

    async def newest(self, tenant_id: str) -> datetime | None:
        """When the last of those that wait was marked."""


class Scopes(Protocol):
    """What is known, by scope."""

    async def join(self, tenant_id: str, members: Mapping[str, Collection[str]]) -> None:
        """Remember which subscriptions (keys) were told of under which account (ref)."""

    async def near(self, tenant_id: str, touched: Collection[str]) -> set[str]:
        """The accounts (refs) that news of these concerns."""

    async def around(self, tenant_id: str, accounts: Collection[str]) -> LoadedGroups:
        """The scopes that these accounts belong to, each once and whole."""


class Lines(Protocol):
    """Usage lines as stored."""

    async def of_scopes(self, tenant_id: str, scopes: Iterable[str]) -> Sequence[UsageLine]: ...

    async def check(self, token: str) -> None:
        """Raises `LeaseLost` when another reconciler was admitted since `token` was."""

    async def save(self, tenant_id: str, changes: Sequence[LineRevision], *, token: str) -> None:
        """Store and say; raises `LeaseLost` when another reconciler was admitted since `token` was."""


class Reconciler:
    """Sees to marks. One is at work at a time; `token` keeps a paused one from writing old news."""

    def __init__(
        self,
        touched: Touched,
        scopes: Scopes,
        lines: Lines,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._touched, self._scopes, self._lines, self._clock = touched, scopes, lines, clock
        self._rounds: dict[str, ReconciliationPass] = {}
        self._turns, self._pace, self._token = TenantScheduler(), BatchSize(), ""
        self.done = self._waited = False
        """Whether a round has just come to its end, or what waited is gone."""

    async def see_to_some(self, token: str) -> bool:
        """A piece of one tenant's round; tells whether any marks waited. Tenants take turns.

        Marks go only after the lines of all that they name are stored: killed before, all is done again and
        changes nothing. A round that fails is forgotten, and begun anew from the marks that are left.
        """
        if token != self._token:  # others may have been at work in between
            self._rounds, self._token = {}, token
        waiting = await self._touched.tenants(utc(self._clock()))
        ready = [one for one in waiting if not await self._gathers(one)]
        self.done, self._waited = self._waited and not waiting, bool(waiting)
        if ready:
            self.done = await self._go_on(self._turns.next(ready))
        return bool(ready)

    async def _gathers(self, tenant_id: str) -> bool:
        """Between two long rounds, as long as more comes; a change that comes alone waits for `QUIET`."""
        now = utc(self._clock())
        if tenant_id in self._rounds or not self._turns.rests(tenant_id, now):
            return False
        newest = await self._touched.newest(tenant_id)
        return newest is not None and now - newest < QUIET

    async def _go_on(self, tenant_id: str) -> bool:
        """One piece; tells whether it was the last."""
        round_ = self._rounds.pop(tenant_id, None) or await self._begun(tenant_id)
        if round_:
            seen = await self._see_to(tenant_id, round_.first(self._pace.accounts), round_)
            await self._remove(round_.seen_to(seen))
        if round_:
            self._rounds[tenant_id] = round_
        else:
            self._turns.ended(tenant_id, began=round_.began, now=utc(self._clock()))
        return not round_

    async def _begun(self, tenant_id: str) -> ReconciliationPass:
        """All marks that wait, so that an account is seen to once however much was told of it."""
        round_, read = ReconciliationPass(utc(self._clock())), 0
        await self._narrow(tenant_id)
        while len(round_) < ENOUGH:
            marks = await self._oldest(tenant_id, wide=False, skip=read)
            for mark in marks:
                round_.add(mark)
            read += len(marks)
            if len(marks) < _MARKS_AT_ONCE:
                break
        return round_

    async def _narrow(self, tenant_id: str) -> None:
        """News of services, products and integrations becomes marks of the accounts that it concerns."""
        if wide := await self._oldest(tenant_id, wide=True):
            near = await self._scopes.near(tenant_id, {ref for mark in wide for ref in mark.touched})
            await self._touched.mark(tenant_id, dict.fromkeys(near, ()), at=wide[0].at)
            await self._remove([mark.id for mark in wide])

    async def _remove(self, ids: Collection[str]) -> None:
        """Not by one that was paused: another, admitted since, may have looked before the news came."""
        if ids:
            await self._lines.check(self._token)
            await self._touched.remove(ids)

    async def _oldest(self, tenant_id: str, *, wide: bool, skip: int = 0) -> Sequence[WorkItem]:
        """Members are joined before anything is looked at: two marks may tell of one account."""
        now = utc(self._clock())
        marks = await self._touched.oldest(tenant_id, now, wide=wide, limit=_MARKS_AT_ONCE, skip=skip)
        members: defaultdict[str, set[str]] = defaultdict(set)
        for mark in marks:
            for ref, keys in mark.touched.items():
                if keys:
                    members[ref].update(keys)
        await self._scopes.join(tenant_id, members)
        return marks

    async def _see_to(self, tenant_id: str, accounts: Sequence[str], round_: ReconciliationPass) -> set[str]:
        """Halved until what fails stands alone: a bug in one scope must not hold up the others.

        Returns what was seen to: these accounts, and those of the same scopes.
        """
        seen = await attempt(self._reconcile(tenant_id, accounts))
        if isinstance(seen, TransientError):
            raise seen
        if not isinstance(seen, Exception):
            return seen
        if len(accounts) > 1:
            middle = len(accounts) // 2
            halves = accounts[:middle], accounts[middle:]
            return {one for half in halves for one in await self._see_to(tenant_id, half, round_)}
        log.error("scope_set_aside", tenant_id=tenant_id, accounts=accounts, exc_info=seen)
        at, until = round_.since(accounts[0]), utc(self._clock()) + PAUSE
        await self._touched.set_aside(tenant_id, accounts, at=at, until=until)
        return {*accounts}

    async def _reconcile(self, tenant_id: str, accounts: Collection[str]) -> set[str]:
        loaded = await self._scopes.around(tenant_id, accounts)
        self._pace.took(len(accounts), sum(scope.rows for scope in loaded.scopes))
        stored = await self._lines.of_scopes(tenant_id, loaded.replaces)
        now = utc(self._clock())
        new: list[UsageLine] = []
        for scope in loaded.scopes:
            new += calculate(scope, now)
            await asyncio.sleep(0)  # others get their turn
        revisions = revised(stored, new, now)
        for start in range(0, len(revisions), LINES_AT_ONCE):
            await self._lines.save(tenant_id, revisions[start : start + LINES_AT_ONCE], token=self._token)
        told = sum(one.told for one in revisions)
        log.info("lines_reconciled", tenant_id=tenant_id, scopes=len(loaded.scopes), changed=told)
        return {*loaded.replaces}
