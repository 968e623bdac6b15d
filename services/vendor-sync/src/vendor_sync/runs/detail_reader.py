"""Works off the queue, a few calls at a time, and stores what was answered while the next are asked for."""

# Invariant: a call is made once. Its answer is in the journal before its caller asks for the next, and the
# queue is what it says once it is stored; a worker that takes the run up stores what the journal holds first.
#
#   callers (4)   ask for one detail after another, or list an account, each under a stamp taken before
#   one storer    stores what was answered (`answer_store`), then looks at the accounts that are complete
#                 with it (`collected_accounts`): publishes them, or hands out again what is to be read again
#
# Three calls in a row out of reach, each after all its attempts, mean that the marketplace is down: the run
# ends partial with what was read. A 403 is of the one thing that was asked for, while lists are answered.

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from shared.errors import CredentialsRejected, LongPause, NeighbourAway, PermanentError, TransientError
from shared.sync_engine.models import ProviderUnreachable
from vendor_sync.runs.account_collect import NextMove
from vendor_sync.runs.account_list import ListedAccount, list_account
from vendor_sync.runs.answer_journal import AnswerJournal
from vendor_sync.runs.answer_store import AnswerStore
from vendor_sync.runs.answers import DetailAnswer
from vendor_sync.runs.call_queue import AccountInWork, CallQueue, DetailCall, ListingCall
from vendor_sync.runs.collected_accounts import CollectedAccounts
from vendor_sync.runs.detail_queue import DetailEntry
from vendor_sync.runs.run_context import VendorRunContext

CALLS_AT_ONCE = 4
"""Calls in flight (Ingram Micro §5); concurrency itself is not what the vendor limits."""
BATCH_SIZE = 200
"""Answers that may wait to be stored."""
GATHER_TIME = timedelta(milliseconds=250)
"""How long answers gather before they are stored: many cost the store little more than one."""
MAX_UNREACHABLE = 3
"""When this many calls in a row are out of reach, each after all its attempts, the marketplace is down."""
MAX_FORBIDDEN = 10
"""When this many in a row are forbidden, a list is asked for: it tells whether all is."""

_STEP_ENDING_ERRORS = (CredentialsRejected, NeighbourAway, LongPause)
"""Errors that say nothing of what was asked for: it stays due, and the step ends."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """A detail that was asked for, with the number of its group in the journal."""

    entry: DetailEntry
    answer: DetailAnswer
    group: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """An account that was listed, or why it could not be; its caller waits until that is stored."""

    account_id: str
    outcome: ListedAccount | Exception
    stored: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class DetailReader:
    """Reads what a queue of calls hands out, for one step of one run."""

    vendor: VendorRunContext
    store: AnswerStore
    accounts: CollectedAccounts
    calls: CallQueue
    journal: AnswerJournal
    unreachable_in_a_row: int = 0
    forbidden_in_a_row: int = 0
    ended_by: Exception | None = None
    """Why no more is asked for; raised once what was read is stored."""
    callers: int = CALLS_AT_ONCE
    answers: "asyncio.Queue[_Answered | _Listed | None]" = field(
        default_factory=lambda: asyncio.Queue(BATCH_SIZE)
    )
    """What the storer takes; None asks it to store what it has, for a caller waits or has ended."""

    async def read(self) -> None:
        """Raises what ended the reading early, after what was read is stored."""
        async with aclosing(self.calls), asyncio.TaskGroup() as group:
            group.create_task(self._store())
            for _ in range(CALLS_AT_ONCE):
                group.create_task(self._ask())
        if self.ended_by is not None:
            raise self.ended_by

    async def _ask(self) -> None:
        """Asks for one thing after another, until nothing is due and no account is in work."""
        while self.ended_by is None:
            match await self.calls.next():
                case DetailCall() as call:
                    await self._ask_for_detail(call)
                case ListingCall(account_id):
                    await self._ask_for_list(account_id)
                case None if self.calls.has_ended:
                    break
                case None:
                    await self.answers.put(None)
                    await self.calls.wait_for_more()
        self.callers -= 1
        await self.answers.put(None)

    async def _ask_for_detail(self, call: DetailCall) -> None:
        entry, read_at = call.entry, self.vendor.context.clock()
        detail, failure = None, ""
        try:
            detail = await self.vendor.marketplace.subscription(entry.subscription_id)
            self.unreachable_in_a_row = self.forbidden_in_a_row = 0
        except _STEP_ENDING_ERRORS as error:
            self._end(error)
            return
        except (PermanentError, TransientError) as error:  # after all attempts (shared.http_client)
            failure = str(error) or type(error).__name__
            await self._count(error)
        answer = DetailAnswer(
            entry.account_id, entry.subscription_id, call.stamp.revision, read_at, detail, failure
        )
        await self.answers.put(_Answered(entry, answer, await self.journal.add(answer)))

    async def _ask_for_list(self, account_id: str) -> None:
        stamp = await self.vendor.context.stamp()
        outcome: ListedAccount | Exception
        try:
            outcome = await list_account(self.vendor.marketplace, account_id, revision=stamp.revision)
            self.unreachable_in_a_row = self.forbidden_in_a_row = 0
        except _STEP_ENDING_ERRORS as error:
            self._end(error)
            return
        except (PermanentError, TransientError) as error:
            outcome = error
            await self._count(error)
        listed = _Listed(account_id, outcome)
        await self.answers.put(listed)
        await listed.stored.wait()

    async def _count(self, error: Exception) -> None:
        """Ends the step when it is the marketplace that fails, and not one thing in it."""
        is_out_of_reach = isinstance(error, TransientError)
        self.unreachable_in_a_row = self.unreachable_in_a_row + 1 if is_out_of_reach else 0
        if self.unreachable_in_a_row >= MAX_UNREACHABLE:
            self._end(ProviderUnreachable(f"the marketplace stays out of reach: {error}"))
        is_forbidden = isinstance(error, PermanentError) and error.status == HTTPStatus.FORBIDDEN
        self.forbidden_in_a_row = self.forbidden_in_a_row + 1 if is_forbidden else 0
        if self.forbidden_in_a_row >= MAX_FORBIDDEN:
            self.forbidden_in_a_row = 0
            await self._probe()

    async def _probe(self) -> None:
        """Ends the step when a list is refused as well: then it is the credentials."""
        try:
            await anext(self.vendor.marketplace.accounts(), None)
        except _STEP_ENDING_ERRORS as error:
            self._end(error)
        except (PermanentError, TransientError):
            return

    def _end(self, error: Exception) -> None:
        self.ended_by = self.ended_by or error
        self.calls.close()

    async def _store(self) -> None:
        """Stores what was answered, until every caller has ended; while that lasts, more answers gather."""
        await self._look_at_completed()
        while self.callers or not self.answers.empty():
            gathered = await self._gather()
            answered = [one for one in gathered if isinstance(one, _Answered)]
            await self.store.store([(one.entry, one.answer) for one in answered])
            await self.journal.discard([one.group for one in answered])
            self.vendor.context.progress.advance(len(answered))
            for one in answered:
                self.calls.stored(one.entry.account_id)
            for listed in [one for one in gathered if isinstance(one, _Listed)]:
                await self._store_list(listed)
            await self._look_at_completed()

    async def _gather(self) -> list[_Answered | _Listed | None]:
        """Returns what came in within `GATHER_TIME`, or until a caller waits for it to be stored."""
        gathered = [await self.answers.get()]
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_TIME.total_seconds()):
                while isinstance(gathered[-1], _Answered) and len(gathered) < BATCH_SIZE:
                    gathered.append(await self.answers.get())
        return gathered

    async def _store_list(self, listed: _Listed) -> None:
        account = self.calls.in_work(listed.account_id)
        match listed.outcome:
            case ListedAccount(is_honoured=True) as outcome:
                self.calls.are_lists_proven = True
                await self.accounts.collect_again(account.account_id, account.concerned_items, outcome)
                self.calls.read_again(account)
            case ListedAccount():
                await self.accounts.note_no_listing(account.account_id, "")
                self.calls.look_again(account)
                self.calls.look_again_at_all()
            case error:
                await self.accounts.note_no_listing(account.account_id, f"it could not be listed: {error}")
                self.calls.look_again(account)
        listed.stored.set()

    async def _look_at_completed(self) -> None:
        """Looks at the accounts that are complete, as many as there are at once."""
        while completed := self.calls.take_completed():
            accounts = {account.account_id: account for account in completed}
            for verdict in await self.accounts.look_at([*accounts]):
                account = accounts[verdict.account_id]
                account.concerned_items = verdict.concerned_items
                self._move(account, verdict.move)

    def _move(self, account: AccountInWork, move: NextMove) -> None:
        match move:
            case NextMove.READ:
                self.calls.read_again(account)
            case NextMove.LIST:
                self.calls.list_again(account)
            case NextMove.PUBLISH | NextMove.WAIT:
                self.calls.finish(account)
