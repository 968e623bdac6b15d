"""Reconciling what was touched: load whole scopes, compute their lines purely, store what changed."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from billing.models import refs
from billing.models.lines import reconcile
from billing.models.marks import Mark
from billing.models.revising import Revision, revised
from billing.models.scope import Scope
from billing.models.usage_line import UsageLine
from billing.service.trying import PAUSE
from shared.attempts import attempt
from shared.contracts.base import utc
from shared.errors import TransientError

log = structlog.get_logger()

AT_ONCE = 250
"""Refs of one mark, and of one round, about: bounds memory and the time that others wait for the loop."""
LINES_AT_ONCE = 200
"""Lines in one transaction."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Scopes, and the refs whose lines these are to replace."""

    scopes: Sequence[Scope]
    replaces: Collection[str]


class Touched(Protocol):
    """Marks, oldest first."""

    async def oldest(self, limit: int, now: datetime) -> Sequence[Mark]:
        """Without those that are set aside until later."""

    async def mark(self, tenant_id: str, touched: Mapping[str, Sequence[str]], *, at: datetime) -> None: ...

    async def set_aside(
        self, tenant_id: str, refs: Collection[str], *, at: datetime, until: datetime
    ) -> None:
        """Mark what failed, to be seen to no earlier than `until`."""

    async def remove(self, marks: Sequence[Mark]) -> None: ...


class Scopes(Protocol):
    """What is known, by scope."""

    async def join(self, tenant_id: str, members: Mapping[str, Collection[str]]) -> None:
        """Remember which subscriptions (keys) were told of under which account (ref)."""

    async def near(self, tenant_id: str, touched: Collection[str]) -> set[str]:
        """The accounts (refs) that news of these concerns."""

    async def around(self, tenant_id: str, accounts: Collection[str]) -> Loaded:
        """The scopes that these accounts belong to, each once and whole."""


class Lines(Protocol):
    """Usage lines as stored."""

    async def of_scopes(self, tenant_id: str, scopes: Iterable[str]) -> Sequence[UsageLine]: ...

    async def save(self, tenant_id: str, changes: Sequence[Revision], *, token: str) -> None:
        """Store and say; raises `LeaseLost` when another reconciler was admitted since `token` was."""


class Reconciling:
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

    async def see_to_some(self, token: str) -> bool:
        """The oldest marks of one tenant; tells whether there were any. Wide news gets rounds of its own.

        Marks go only after the lines are stored: killed before, all is done again and changes nothing.
        """
        marks = _round(await self._touched.oldest(AT_ONCE, utc(self._clock())))
        if not marks:
            return False
        tenant_id, touched = marks[0].tenant_id, _joined(marks)
        await self._scopes.join(tenant_id, {ref: keys for ref, keys in touched.items() if keys})
        near = await self._scopes.near(tenant_id, touched.keys())
        if len(near) > AT_ONCE and not all(map(refs.is_account, touched)):
            await self._touched.mark(tenant_id, dict.fromkeys(near, ()), at=marks[0].at)
        else:
            await self._see_to(tenant_id, sorted(near), at=marks[0].at, token=token)
        await self._touched.remove(marks)
        return True

    async def _see_to(self, tenant_id: str, accounts: Sequence[str], *, at: datetime, token: str) -> None:
        """Halved until what fails stands alone: a bug in one scope must not hold up the others."""
        failure = await attempt(self._reconcile(tenant_id, accounts, token))
        if isinstance(failure, TransientError):
            raise failure
        if failure and len(accounts) > 1:
            middle = len(accounts) // 2
            for half in (accounts[:middle], accounts[middle:]):
                await self._see_to(tenant_id, half, at=at, token=token)
        elif failure:
            log.error("scope_set_aside", tenant_id=tenant_id, accounts=accounts, exc_info=failure)
            await self._touched.set_aside(tenant_id, accounts, at=at, until=utc(self._clock()) + PAUSE)

    async def _reconcile(self, tenant_id: str, accounts: Collection[str], token: str) -> None:
        loaded = await self._scopes.around(tenant_id, accounts)
        stored = await self._lines.of_scopes(tenant_id, loaded.replaces)
        now = utc(self._clock())
        new: list[UsageLine] = []
        for scope in loaded.scopes:
            new += reconcile(scope, now)
            await asyncio.sleep(0)  # others get their turn
        revisions = revised(stored, new, now)
        for start in range(0, len(revisions), LINES_AT_ONCE):
            await self._lines.save(tenant_id, revisions[start : start + LINES_AT_ONCE], token=token)
        told = sum(one.told for one in revisions)
        log.info("lines_reconciled", tenant_id=tenant_id, scopes=len(loaded.scopes), changed=told)


def _joined(marks: Sequence[Mark]) -> dict[str, set[str]]:
    touched: dict[str, set[str]] = {}
    for mark in marks:
        for ref, keys in mark.touched.items():
            touched.setdefault(ref, set()).update(keys)
    return touched


def _round(marks: Sequence[Mark]) -> list[Mark]:
    """As many of the first one's tenant as fit in a round, in order; at least one."""
    chosen: list[Mark] = []
    room = AT_ONCE
    for mark in marks:
        if chosen and (mark.tenant_id != chosen[0].tenant_id or len(mark.touched) > room):
            break
        chosen.append(mark)
        room -= len(mark.touched)
    return chosen
