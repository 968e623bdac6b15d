"""Reconciles what was queued: loads account groups, calculates their lines purely, stores what changed."""

# Invariant: a request leaves the queue only after the lines of all accounts that it names are stored, and
# only while this reconciler holds the fence of the tenant's shard. Killed before, everything is done again,
# and changes nothing.
#
#   queued   fan-out {svc1}, accounts {a}, {a, b}
#   expand   svc1 concerns c and d: enqueued as accounts, so that a crash here loses nothing
#   pass     a, b, c, d   one batch a step: a and b are stored → {a} and {a, b} are completed; then c and d

from collections.abc import Collection, Sequence

import structlog

from billing.reconciliation.batch_size import BatchSize
from billing.reconciliation.group_calculation import calculate_group
from billing.reconciliation.ports import GroupLoader, LineStore, NewsLog, RequestQueue
from billing.reconciliation.reconciliation_pass import ReconciliationPass
from billing.reconciliation.scheduler import QUIET, TenantScheduler
from billing.usage.account_group import AccountGroup
from billing.usage.diff import LineRevision, revise_failed_lines, revise_lines
from billing.usage.recalculation_request import ACCOUNTS, ARRIVALS, FAN_OUT, RecalculationRequest
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.contracts.base import utc
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import PAUSE
from shared.runtime.clock import Clock, utc_now
from shared.runtime.shards import shard_of

log = structlog.get_logger()

MAX_ACCOUNTS = 25_000
"""Accounts in one pass, about: bounds memory."""
_REQUESTS_PER_READ = 20
"""A request may name 250 accounts, and hundreds of subscriptions under them."""
LINES_PER_TRANSACTION = 200


class Reconciler:
    """Works off the queue of every tenant, one batch of accounts at a time."""

    def __init__(
        self,
        queue: RequestQueue,
        groups: GroupLoader,
        lines: LineStore,
        news: NewsLog,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._queue, self._groups, self._lines, self._news = queue, groups, lines, news
        self._clock = clock
        self._passes: dict[str, ReconciliationPass] = {}
        self._tokens: dict[str, str] = {}
        """The token under which each tenant was worked on last."""
        self._scheduler, self._batch_size = TenantScheduler(), BatchSize()
        self._queue_was_empty = True
        self.pass_completed = False
        """Whether the last step completed a pass, or found that the queue has become empty."""

    async def next_tenant(self, shards: Collection[int]) -> str | None:
        """Returns the tenant of these shards whose turn it is; None when there is no work for now."""
        queued = await self._queue.tenants(utc(self._clock()))
        waiting = [tenant_id for tenant_id in queued if shard_of(tenant_id) in shards]
        due = [tenant_id for tenant_id in waiting if not await self._is_gathering(tenant_id)]
        self.pass_completed = not waiting and not self._queue_was_empty
        self._queue_was_empty = not waiting
        return self._scheduler.next(due) if due else None

    async def process(self, tenant_id: str, token: str) -> None:
        """Takes one step of the tenant's pass under this token's fence.

        Raises `LeaseLost` when another reconciler holds the fence. A pass that fails is dropped, and started
        anew from the requests that are left.
        """
        if token != self._tokens.get(tenant_id):  # another reconciler may have been at work in between
            self._passes.pop(tenant_id, None)
            self._tokens[tenant_id] = token
        self.pass_completed = await self._continue_pass(tenant_id)

    async def _is_gathering(self, tenant_id: str) -> bool:
        """Whether the tenant rests between two passes while more news keeps coming."""
        now = utc(self._clock())
        if tenant_id in self._passes or not self._scheduler.is_resting(tenant_id, now):
            return False
        newest = await self._queue.newest(tenant_id)
        return newest is not None and now - newest < QUIET

    async def _continue_pass(self, tenant_id: str) -> bool:
        """Reconciles one batch; tells whether it was the last of its pass."""
        pass_ = self._passes.pop(tenant_id, None) or await self._start_pass(tenant_id)
        if pass_:
            batch = pass_.next_accounts(self._batch_size.accounts)
            finished = await self._reconcile_or_requeue(tenant_id, batch, pass_)
            await self._complete(tenant_id, pass_.finish(finished))
        if pass_:
            self._passes[tenant_id] = pass_
        else:
            self._scheduler.pass_ended(tenant_id, started_at=pass_.started_at, now=utc(self._clock()))
        return not pass_

    async def _start_pass(self, tenant_id: str) -> ReconciliationPass:
        """Unites the requests that wait, so that an account is calculated once however much news it had."""
        pass_, count = ReconciliationPass(utc(self._clock())), 0
        await self._note_arrivals(tenant_id)
        await self._expand_to_accounts(tenant_id)
        while len(pass_) < MAX_ACCOUNTS:
            requests = await self._read_due(tenant_id, ACCOUNTS, skip=count)
            for request in requests:
                pass_.add(request)
            count += len(requests)
            if len(requests) < _REQUESTS_PER_READ:
                break
        return pass_

    async def _note_arrivals(self, tenant_id: str) -> None:
        """Notes what arrives, and calculates nothing: it counts when a manifest names it."""
        while requests := await self._read_due(tenant_id, ARRIVALS):
            newest: dict[Ref, int] = {}
            for request in requests:
                for account, revision in request.arriving.items():
                    newest[account] = max(newest.get(account, 0), revision)
            await self._news.note(tenant_id, newest)
            await self._complete(tenant_id, [request.id for request in requests])

    async def _expand_to_accounts(self, tenant_id: str) -> None:
        """Turns requests for services, products and integrations into requests for the accounts concerned."""
        if requests := await self._read_due(tenant_id, FAN_OUT):
            refs = {ref for request in requests for ref in request.refs}
            accounts = await self._groups.affected_accounts(tenant_id, refs)
            await self._queue.enqueue_refs(tenant_id, accounts, at=requests[0].enqueued_at)
            await self._complete(tenant_id, [request.id for request in requests])

    async def _read_due(self, tenant_id: str, lane: str, *, skip: int = 0) -> Sequence[RecalculationRequest]:
        now = utc(self._clock())
        return await self._queue.read_due_requests(
            tenant_id, lane, now=now, limit=_REQUESTS_PER_READ, skip=skip
        )

    async def _complete(self, tenant_id: str, request_ids: Collection[str]) -> None:
        """Takes finished requests off the queue, under the fence.

        A reconciler that was paused may have loaded its accounts before the news of a request was stored.
        """
        if request_ids:
            await self._lines.verify_fence(tenant_id, self._tokens[tenant_id])
            await self._queue.complete(tenant_id, request_ids)

    async def _reconcile_or_requeue(
        self, tenant_id: str, accounts: Sequence[Ref], pass_: ReconciliationPass
    ) -> set[Ref]:
        """Reconciles accounts, and puts off those that fail: a bug in one group holds up no other.

        A batch that fails is halved until the failing account stands alone. Returns the accounts that are
        finished: these, and the others of their groups. Raises `TransientError` as it comes.
        """
        outcome = await attempt(self._reconcile(tenant_id, accounts, pass_))
        if isinstance(outcome, TransientError):
            raise outcome  # an outage is no account's fault: the whole pass is tried again
        if not isinstance(outcome, Exception):
            return outcome
        if len(accounts) > 1:
            middle = len(accounts) // 2
            first = await self._reconcile_or_requeue(tenant_id, accounts[:middle], pass_)
            return first | await self._reconcile_or_requeue(tenant_id, accounts[middle:], pass_)
        names = [str(account) for account in accounts]
        log.error("scope_set_aside", tenant_id=tenant_id, accounts=names, exc_info=outcome)
        await self._queue.requeue_accounts_after(
            tenant_id,
            accounts,
            at=pass_.waiting_since(accounts[0]),
            not_before=utc(self._clock()) + PAUSE,
        )
        await self._fail_lines(tenant_id, accounts)
        return {*accounts}

    async def _fail_lines(self, tenant_id: str, accounts: Collection[Ref]) -> None:
        """Stores that the lines of a group could not be calculated: nobody shall go by their old numbers.

        Even that may fail, by what spoilt the group; then the accounts are tried again all the same.
        """
        outcome = await attempt(self._store_failed_lines(tenant_id, accounts))
        if isinstance(outcome, TransientError):
            raise outcome
        if isinstance(outcome, Exception):
            names = [str(account) for account in accounts]
            log.error("failed_lines_not_stored", tenant_id=tenant_id, accounts=names, exc_info=outcome)

    async def _store_failed_lines(self, tenant_id: str, accounts: Collection[Ref]) -> None:
        of_groups = await self._groups.group_accounts(tenant_id, accounts)
        stored = await self._lines.lines_of_accounts(tenant_id, frozenset().union(*of_groups.values()))
        await self._save(tenant_id, revise_failed_lines(stored, utc(self._clock())))

    async def _reconcile(
        self, tenant_id: str, accounts: Collection[Ref], pass_: ReconciliationPass
    ) -> set[Ref]:
        loaded = await self._groups.load_groups(tenant_id, accounts)
        self._batch_size.record(len(accounts), sum(group.row_count for group in loaded.groups))
        stored = await self._lines.lines_of_accounts(tenant_id, loaded.replaced_accounts)
        now = utc(self._clock())
        calculated: list[UsageLine] = []
        for group in loaded.groups:
            calculated += await calculate_group(group, now)
        revisions = revise_lines(stored, calculated, now)
        await self._save(tenant_id, revisions)
        await self._requeue_overtaken(tenant_id, loaded.groups, calculated, pass_)
        announced = sum(revision.announced for revision in revisions)
        log.info("lines_reconciled", tenant_id=tenant_id, scopes=len(loaded.groups), changed=announced)
        return {*loaded.replaced_accounts}

    async def _requeue_overtaken(
        self,
        tenant_id: str,
        groups: Collection[AccountGroup],
        lines: Collection[UsageLine],
        pass_: ReconciliationPass,
    ) -> None:
        """Queues once more what a manifest may have made known while it was calculated.

        One that only makes numbers younger, or known for longer, queues nothing by itself; and when its run
        is closed, the lines are looked at that are stored by then. The run waits for news of this age.
        """
        undecided = {line.account for line in lines if line.is_undecided}
        concerned = [group for group in groups if undecided.intersection(group.all_accounts)]
        if overtaken := await self._groups.overtaken_accounts(tenant_id, concerned):
            await self._queue.enqueue_refs(tenant_id, overtaken, at=pass_.started_at)

    async def _save(self, tenant_id: str, revisions: Sequence[LineRevision]) -> None:
        token = self._tokens[tenant_id]
        for start in range(0, len(revisions), LINES_PER_TRANSACTION):
            await self._lines.save(tenant_id, revisions[start : start + LINES_PER_TRANSACTION], token=token)
