"""Hands out what is to be asked for next, and knows which accounts have been read as far as they are due."""

# Invariant: an account is complete when all that is due of it was handed out and what came of it is stored.
# Callers are never idle while anything is due: accounts that are read again come first, so that few are in
# work at a time, and else the queue goes on, account by account, whoever is still waiting to be stored.
#
#   queue: a1 a2 | b1 | c1 c2 …   handed out a1 a2 b1, stored a1 a2 → a is complete
#   a is listed again             → a1 a2 come before c1

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from shared.sync_engine.stamp import Stamp
from vendor_sync.runs.account_entries import AccountEntries
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState
from vendor_sync.runs.run_context import VendorRunContext

ENTRIES_PER_STAMP = 200
"""Entries under one revision."""


@dataclass(frozen=True, slots=True)
class DetailCall:
    """Asks for one detail, under a stamp that was taken before."""

    entry: DetailEntry
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class ListingCall:
    """Asks for the list of the subscriptions of one account."""

    account_id: str


@dataclass(slots=True)
class AccountInWork:
    """An account of which something is being read, or is about to be published."""

    account_id: str
    place: int
    """Counts the accounts in the order in which they come up."""
    outstanding: int = 0
    """Calls that were handed out, and are not stored yet."""
    all_handed_out: bool = False
    concerned_items: frozenset[str] = frozenset()
    """The services to collect again."""
    no_listing: str = ""
    """Why its subscriptions cannot be listed by themselves."""

    @property
    def is_complete(self) -> bool:
        return self.all_handed_out and not self.outstanding


class CallQueue:
    """The calls of one step."""

    def __init__(self, vendor: VendorRunContext, entries: AccountEntries, rank: DetailRank) -> None:
        self._vendor, self._entries = vendor, entries
        self._by_account = rank is DetailRank.ACCOUNT
        self._main: AsyncGenerator[DetailCall, None] | None = self._details_of_all(rank)
        self._again: deque[AsyncGenerator[DetailCall, None]] = deque()
        self._to_list: deque[ListingCall] = deque()
        self._being_listed: set[str] = set()
        self.are_lists_proven = False
        """Whether a list of one account held no other's: before that one is asked for at a time."""
        self._in_work: dict[str, AccountInWork] = {}
        self._places = 0
        self._taking = asyncio.Lock()
        """Held to take the next call: a generator has one reader at a time."""
        self._more = asyncio.Event()
        self._completed: list[AccountInWork] = []
        self.is_closed = False

    async def next(self) -> DetailCall | ListingCall | None:
        """Returns the next call; None while there is none, and for ever when there will be none."""
        async with self._taking:
            while not self.is_closed:
                if self._may_list:
                    listing = self._to_list.popleft()
                    self._being_listed.add(listing.account_id)
                    return listing
                if self._again:
                    if (call := await anext(self._again[0], None)) is not None:
                        return call
                    self._again.popleft()
                elif self._main is not None:
                    if (call := await anext(self._main, None)) is not None:
                        return call
                    self._main = None
                else:
                    return None
            return None

    @property
    def has_ended(self) -> bool:
        """Whether no further call will come."""
        return self.is_closed or not (self._in_work or self._main)

    async def wait_for_more(self) -> None:
        """Waits until there may be a call again, or none will ever come."""
        self._more.clear()
        if not (self._may_list or self._again or self._main or self.has_ended):
            await self._more.wait()

    def take_completed(self) -> list[AccountInWork]:
        """Returns the accounts that have become complete since the last time, in their order."""
        completed, self._completed = self._completed, []
        return sorted(completed, key=lambda account: account.place)

    def stored(self, account_id: str) -> None:
        """Notes that what came of one call is stored."""
        if account := self._in_work.get(account_id):
            account.outstanding -= 1
            self._note_if_complete(account)

    def add_complete(self, account_id: str) -> None:
        """Takes up an account of which nothing is due any more, and that is not published."""
        self._note_if_complete(self._begin(account_id, all_handed_out=True))

    def read_again(self, account: AccountInWork) -> None:
        """Hands out next what is due of the account."""
        account.all_handed_out = False
        self._being_listed.discard(account.account_id)
        self._again.append(self._details_of(account))
        self._more.set()

    def list_again(self, account: AccountInWork) -> None:
        """Hands out next the listing of the account."""
        self._to_list.append(ListingCall(account.account_id))
        self._more.set()

    def look_again(self, account: AccountInWork) -> None:
        """Takes an account that could not be listed for one that has just become complete."""
        self._being_listed.discard(account.account_id)
        self._note_if_complete(account)
        self._more.set()

    def in_work(self, account_id: str) -> AccountInWork:
        return self._in_work[account_id]

    def finish(self, account: AccountInWork) -> None:
        """Forgets an account: it is published, or waits for the lists at the end."""
        del self._in_work[account.account_id]
        self._more.set()

    def close(self) -> None:
        """Hands out nothing more."""
        self.is_closed = True
        self._more.set()

    async def aclose(self) -> None:
        """Ends the reading of the queue."""
        self.close()
        for calls in (self._main, *self._again):
            if calls is not None:
                await calls.aclose()

    async def _details_of_all(self, rank: DetailRank) -> AsyncGenerator[DetailCall, None]:
        account: AccountInWork | None = None
        async for call in _stamped(self._vendor, self._vendor.queue.due(self._vendor.run, rank)):
            if self._by_account:
                if account is None or account.account_id != call.entry.account_id:
                    self._hand_over(account)
                    account = None
                    if call.entry.account_id in self._in_work:
                        continue  # made due since that account was taken up: it looks itself
                    account = self._begin(call.entry.account_id)
                account.outstanding += 1
            yield call
        self._hand_over(account)

    async def _details_of(self, account: AccountInWork) -> AsyncGenerator[DetailCall, None]:
        async for call in _stamped(self._vendor, self._due_of(account.account_id)):
            account.outstanding += 1
            yield call
        self._hand_over(account)

    async def _due_of(self, account_id: str) -> AsyncIterator[list[DetailEntry]]:
        run_id = self._vendor.run.run_id
        async for entries in self._entries.of([account_id]):
            yield [one for one in entries if one.run_id == run_id and one.state is DetailState.DUE]

    def look_again_at_all(self) -> None:
        """Takes up anew what was to be listed: no account can be."""
        while self._to_list:
            self._note_if_complete(self._in_work[self._to_list.popleft().account_id])

    @property
    def _may_list(self) -> bool:
        return bool(self._to_list) and (self.are_lists_proven or not self._being_listed)

    def _begin(self, account_id: str, *, all_handed_out: bool = False) -> AccountInWork:
        self._places += 1
        account = AccountInWork(account_id, self._places, all_handed_out=all_handed_out)
        self._in_work[account_id] = account
        return account

    def _hand_over(self, account: AccountInWork | None) -> None:
        if account is not None:
            account.all_handed_out = True
            self._note_if_complete(account)

    def _note_if_complete(self, account: AccountInWork) -> None:
        if account.is_complete:
            self._completed.append(account)


async def _stamped(
    vendor: VendorRunContext, pages: AsyncIterator[list[DetailEntry]]
) -> AsyncIterator[DetailCall]:
    async for page in pages:
        for start in range(0, len(page), ENTRIES_PER_STAMP):
            stamp = await vendor.context.stamp()
            for entry in page[start : start + ENTRIES_PER_STAMP]:
                yield DetailCall(entry, stamp)
