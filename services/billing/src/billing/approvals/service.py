"""Approving: a person's decisions become approvals, audit entries and commands, all or none of each batch."""

# Invariant: whoever sends a request, and however often, each of its lines is commanded at most once. The
# store's unique indexes guarantee that: one approval of an id, and one in flight on an agreement line.
# Nearly always nothing is in the way, so the first try does not look for earlier approvals at all; a try
# that meets one fails as a whole, and the next looks them up:
#
# Nobody decides on outdated ground (architecture §7): lines whose account group waits in the work queue are
# calculated anew before the transaction, and those whose recheck time has passed as soon as it meets them.
# What comes after that came after the decision: the reconciler finds the approval, and cancels it if need be.
#
#   two people approve line 1 at once:  A saves    B: Conflict → looks up → rejected: A is in flight

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType

from billing.approvals.batch import (
    ApprovalRequest,
    BatchJudge,
    BatchOutcome,
    GroundOutdated,
    LineResult,
    decide_batch,
)
from billing.approvals.eligibility import LineDecision
from billing.approvals.models import VALID_FOR
from billing.approvals.ports import ApprovalStore, FreshLines
from billing.usage.calendar import TenantCalendar
from shared.errors import Conflict, TransientError
from shared.runtime.clock import StoreTime

BATCH_SIZE = 200
"""Lines in one transaction: large enough to share its cost, small enough to conflict rarely."""
_TRIES = 5


class ApprovalService:
    """Approves one or many lines."""

    def __init__(
        self,
        store: ApprovalStore,
        lines: FreshLines,
        *,
        clock: StoreTime,
        calendars: Mapping[str, TenantCalendar] = MappingProxyType({}),
        valid_for: timedelta = VALID_FOR,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        """`calendars` are those of the tenants, by id; a tenant without one keeps its days in UTC.

        Others judge by their store's time until when a command is valid, so it is made by the store's, too.
        """
        self._store, self._lines, self._calendars = store, lines, calendars
        self._valid_for, self._batch_size, self._clock = valid_for, batch_size, clock

    async def approve(self, request: ApprovalRequest) -> list[LineResult]:
        """Returns one result for each decision, in order; a request sent again goes on where it stopped.

        Raises `RuleBroken` when the idempotency key was used for a different request, and `TransientError`
        when others keep approving the same lines.
        """
        is_new = await self._store.register(request)
        results: list[LineResult] = []
        for start in range(0, len(request.decisions), self._batch_size):
            decisions = request.decisions[start : start + self._batch_size]
            outcome = await self._commit(request, decisions, check_existing=not is_new)
            results += outcome.results
        return results

    async def _commit(
        self, request: ApprovalRequest, decisions: Sequence[LineDecision], *, check_existing: bool
    ) -> BatchOutcome:
        tenant_id, line_ids = request.tenant_id, [decision.line_id for decision in decisions]
        calendar = self._calendars.get(request.tenant_id, TenantCalendar(id=request.tenant_id))

        fresh = dict(await self._lines.of_waiting(tenant_id, line_ids))
        for _ in range(_TRIES):
            now = await self._clock()
            decide = partial(
                decide_batch, request, decisions, now=now, valid_for=self._valid_for, calendar=calendar
            )
            judge = BatchJudge(decide, now, fresh)
            try:
                return await self._store.commit_batch(
                    request, decisions, judge, check_existing=check_existing
                )
            except Conflict:
                check_existing = True
            except GroundOutdated as outdated:
                fresh |= await self._lines.of_lines(tenant_id, outdated.line_ids)
        raise TransientError(f"others keep approving the same lines of {request.tenant_id}", retry_after=1)
