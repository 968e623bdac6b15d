"""The details steps: store what a former worker was answered, then read what is due, account by account."""

# Invariant: when a details step is over nothing is due, and every account of which something was read has its
# manifest, or waits for the lists at the end of the run. An account of which the last answer was stored, and
# then its worker was killed, has nothing due and no manifest: it is taken up by what it was asked last.

from collections.abc import Mapping

from shared.contracts.base import key_of
from vendor_sync.runs.answer_journal import AnswerJournal
from vendor_sync.runs.answer_store import AnswerStore
from vendor_sync.runs.answers import DetailAnswer
from vendor_sync.runs.call_queue import CallQueue
from vendor_sync.runs.collected_accounts import CollectedAccounts
from vendor_sync.runs.detail_queue import DetailRank
from vendor_sync.runs.detail_reader import BATCH_SIZE, CALLS_AT_ONCE, DetailReader
from vendor_sync.runs.ports import AccountProgress
from vendor_sync.runs.run_context import VendorRunContext

_MAX_ROUNDS = 3
"""What moves to an account that was read already makes one more round necessary, but not for ever."""


async def read_details(vendor: VendorRunContext) -> None:
    """Reads all that is due, one subscription of each new offer first.

    What changed together with something that ended waits for the lists at the end. Raises
    `ProviderUnreachable`, `LongPause` or `CredentialsRejected` after what was read is stored.
    """
    await _read(vendor, may_wait=True)


async def read_remaining(vendor: VendorRunContext) -> None:
    """Reads what came, changed or vanished by the lists at the end, and what has waited for them."""
    await _read(vendor, may_wait=False)


async def _read(vendor: VendorRunContext, *, may_wait: bool) -> None:
    accounts = await CollectedAccounts.of(vendor, may_wait=may_wait)
    names = await vendor.published_service_names()
    store = AnswerStore(vendor, names, accounts.entries, accounts.manifest_revisions)
    await _store_left(vendor, store)
    journal = AnswerJournal(vendor.stores.journal, vendor.run, callers=CALLS_AT_ONCE)
    overview = await vendor.queue.overview(vendor.run)
    progress, phase = overview.progress, vendor.context.progress.phase
    vendor.context.progress.begin(phase, done=progress.total - progress.due, total=progress.total)
    unpublished = _unpublished(overview.accounts, accounts, may_wait=may_wait)
    for _ in range(_MAX_ROUNDS):
        for rank in DetailRank:
            calls = CallQueue(vendor, accounts.entries, rank)
            if rank is DetailRank.ACCOUNT:
                for account_id in unpublished:
                    calls.add_complete(account_id)
            await DetailReader(vendor, store, accounts, calls, journal).read()
        if not (await vendor.queue.progress(vendor.run)).due:
            return
        unpublished = []


async def _store_left(vendor: VendorRunContext, store: AnswerStore) -> None:
    """Stores the answers that a worker was given, and was killed before it stored them."""
    answers: list[DetailAnswer] = []
    async for group in vendor.stores.journal.left(vendor.run):
        answers += group
        if len(answers) >= BATCH_SIZE:
            await _store_answers(vendor, store, answers)
            answers = []
    await _store_answers(vendor, store, answers)
    vendor.context.assert_lease()
    await vendor.stores.journal.clear(vendor.run)


async def _store_answers(vendor: VendorRunContext, store: AnswerStore, answers: list[DetailAnswer]) -> None:
    by_key = {key_of(answer.account_id, answer.subscription_id): answer for answer in answers}
    entries = await vendor.queue.existing(vendor.run, by_key)
    await store.store([(entry, by_key[key]) for key, entry in entries.items()])


def _unpublished(
    progress: Mapping[str, AccountProgress], accounts: CollectedAccounts, *, may_wait: bool
) -> list[str]:
    """Returns the accounts of which nothing is due, and something was read that no manifest names."""
    unpublished = [
        account_id
        for account_id, one in progress.items()
        if not one.due and one.asked_revision > accounts.manifest_revisions.get(account_id, 0)
    ]
    if may_wait:
        waiting = {account_id for account_id, collect in accounts.collects.items() if collect.waits}
        unpublished = [account_id for account_id in unpublished if account_id not in waiting]
    return sorted(unpublished, key=lambda account_id: key_of(account_id, ""))  # as the queue is sorted
