"""Closes runs once their manifests count, and reconciles them once their usage lines are calculated."""

# Invariant: when a run is reconciled, all that its manifests name is in the usage lines. This order ensures
# it:
#
#   1. A manifest is applied in one transaction with its work and its receipt: what is counted as applied is
#      in the queue already, or through it.
#   2. Closing enqueues the lines with a number that was stale or unread: a manifest that only makes numbers
#      younger, or known for longer, enqueues nothing by itself. So it does what waits: that may be in the
#      middle of being calculated with what counted before, and be stored as unread afterwards.
#   3. The run is reconciled once no work enqueued up to its closing is left.
#
#   manifests 3 ─ applied 2 … applied 3 → closed at 12:00 ─ work of 11:59 waits … is done → reconciled, totals
#
# A manifest that names what never comes, or what the sync service must have forgotten that it published, is a
# sign that one of the two databases was restored: the run is partial, and all is asked for once more.
# So is an account that holds something and that a complete full run does not name: the sync service does not
# know of it any more. Where the run that was asked for does not either, the account counts as never read.
# Killed anywhere, the next round goes on from what is stored.

from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog

from billing.runs.models import PATIENCE, FinishedRun, RunClosure, RunKey
from billing.runs.ports import ClosingPorts
from billing.runs.run_step import try_step
from billing.usage.ref import Ref
from shared.contracts.base import Outcome, utc
from shared.contracts.run_end import RunFinished, UnreadAccount
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock, utc_now

log = structlog.get_logger()

_NAMED = 200
"""How many accounts a run names, as many as its service does."""
_NEVER_CAME = "no manifest of it has arrived"
_FORGOTTEN = "the run does not know of it, as after a restore of the sync service's database"


class RunCloser:
    """Carries runs from received to reconciled."""

    def __init__(
        self,
        ports: ClosingPorts,
        *,
        patience: timedelta = PATIENCE,
        clock: Clock = utc_now,
    ) -> None:
        self._runs, self._manifests, self._lines = ports.runs, ports.manifests, ports.lines
        self._backlog, self._requests = ports.backlog, ports.requests
        self._patience, self._clock = patience, clock
        self._backoff = Backoff[RunKey](clock)

    async def record(self, events: Iterable[RunFinished]) -> None:
        now = utc(self._clock())
        await self._runs.record([FinishedRun.of(event, now) for event in events])

    async def advance(self) -> bool:
        """Closes every run that can be closed, and reconciles one; returns whether it did either.

        One run is reconciled at a time, so that its completion is broadcast before the lines of the next
        one are summed up.
        """
        closed = [
            await try_step(run, self._close, self._backoff) for run in await self._runs.awaiting_closure()
        ]
        for run in await self._runs.awaiting_reconciliation():
            if await try_step(run, self._reconcile, self._backoff):
                return True
        return any(closed)

    async def _close(self, run: FinishedRun) -> bool:
        (applied, went_back), now = await self._manifests.applied_of_run(*run.key), utc(self._clock())
        verdict = run.closing_verdict(applied, now, self._patience, went_back=went_back)
        if verdict is None:
            if applied > run.applied:
                await self._runs.note_applied(run, applied, now)
            return False
        forgotten = await self._forgotten_accounts(run, verdict)
        if forgotten:
            verdict = Outcome.PARTIAL
        affected = await self._affected_accounts(run)
        in_vain = await self._accounts_in_vain(run, applied)
        unread = (run.unread_accounts + in_vain + _named(forgotten))[:_NAMED]
        if went_back or forgotten or applied < run.manifests:
            log.error(
                "observations_missing",
                run_id=run.run_id,
                went_back=went_back,
                applied=applied,
                forgotten=len(forgotten),
            )
            await self._requests.republish(run)
        log.info("run_closed", run_id=run.run_id, verdict=verdict, applied=applied, unread=len(unread))
        newest = await self._backlog.newest(run.tenant_id)
        # A replica whose clock is ahead may have enqueued work of this run "later" than now.
        waits_for = max(now, newest) if newest else now
        return await self._runs.close(RunClosure(run, verdict, now, unread, frozenset(affected), waits_for))

    async def _affected_accounts(self, run: FinishedRun) -> set[Ref]:
        """Returns the accounts of which the run's manifests may have made a number younger, or known.

        What waits is read first: what leaves the queue in between has stored its lines by then.
        """
        waiting = await self._backlog.waiting_refs(run.tenant_id)
        undecided = await self._lines.undecided_accounts(run.tenant_id, run.integration_id)
        return undecided | {ref for ref in waiting if ref.is_account}

    async def _accounts_in_vain(self, run: FinishedRun, applied: int) -> tuple[UnreadAccount, ...]:
        """Returns the accounts whose manifest does not count, or did not come."""
        in_vain = dict(await self._manifests.unapplied_accounts(*run.key))
        if run.read_all and applied < run.manifests:
            silent = await self._manifests.silent_accounts(*run.key)
            in_vain = dict.fromkeys(silent, _NEVER_CAME) | in_vain
        return tuple(UnreadAccount(account_id=id_, reason=in_vain[id_]) for id_ in sorted(in_vain))

    async def _forgotten_accounts(self, run: FinishedRun, verdict: Outcome) -> Sequence[Ref]:
        """Returns the accounts that a complete full run should have named, and did not.

        What the run that was asked for does not know either nobody knows: it counts as never read.
        """
        if verdict is not Outcome.COMPLETE or not run.read_all:
            return []
        forgotten = await self._manifests.forgotten_accounts(*run.key, run.first_revision)
        if forgotten and run.asked_again:
            await self._manifests.unread(run.tenant_id, forgotten, run.first_revision)
        return forgotten

    async def _reconcile(self, run: FinishedRun) -> bool:
        if run.waits_for is None or await self._backlog.any_until(run.tenant_id, run.waits_for):
            return False
        if await self._backlog.any_until(run.tenant_id, run.waits_for, delayed=True):
            run = run.as_partial()
        totals = await self._lines.totals(run.tenant_id, [run.integration_id])
        await self._runs.reconcile(run, totals, utc(self._clock()))
        log.info("run_reconciled", run_id=run.run_id, by_class=totals.by_class)
        return True


def _named(forgotten: Iterable[Ref]) -> tuple[UnreadAccount, ...]:
    return tuple(UnreadAccount(account_id=account.id, reason=_FORGOTTEN) for account in forgotten)
