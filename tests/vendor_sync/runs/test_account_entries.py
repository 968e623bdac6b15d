"""What an account has in the queue, found without a look at the whole queue for each."""

from collections.abc import AsyncIterator

from marketplace import a_row
from run_env import a_run

from shared.mongo import Mongo
from shared.sync_engine.models import Run
from vendor_sync.runs.account_entries import AccountEntries
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState
from vendor_sync.runs.repository import DetailQueueRepository

RUN = a_run()


class CountingQueue(DetailQueueRepository):
    """Counts the looks at the whole queue."""

    looks = 0

    async def keys(self, run: Run) -> AsyncIterator[tuple[str, str]]:
        self.looks += 1
        async for one in super().keys(run):
            yield one


def an_entry(subscription_id: str, account_id: str) -> DetailEntry:
    row = a_row(subscription_id, account_id=account_id)
    return DetailEntry(row, RUN.run_id, DetailState.DUE, DetailRank.ACCOUNT)


async def ids_of(entries: AccountEntries, *account_ids: str) -> list[str]:
    return [entry.subscription_id async for page in entries.of(account_ids) for entry in page]


async def test_one_look_at_the_queue_finds_the_entries_of_every_account(mongo: Mongo) -> None:
    queue = CountingQueue(mongo)
    await queue.insert(RUN, [an_entry("s1", "c1"), an_entry("s2", "c1"), an_entry("s3", "c2")])
    entries = AccountEntries(queue, RUN)

    found = [await ids_of(entries, "c1"), await ids_of(entries, "c2", "c1"), await ids_of(entries, "c3")]

    assert found == [["s1", "s2"], ["s1", "s2", "s3"], []]
    assert queue.looks == 1


async def test_what_the_step_adds_is_found_whether_it_was_looked_for_before_or_not(mongo: Mongo) -> None:
    queue = CountingQueue(mongo)
    await queue.insert(RUN, [an_entry("s1", "c1")])
    early, late = AccountEntries(queue, RUN), AccountEntries(queue, RUN)
    await ids_of(early, "c1")

    added = an_entry("s0", "c1")
    await queue.insert(RUN, [added])
    for entries in (early, late):
        entries.note("c1", [added.key])

    assert [await ids_of(early, "c1"), await ids_of(late, "c1")] == [["s0", "s1"]] * 2


async def test_an_account_of_more_than_a_page_is_found_whole_and_in_order(mongo: Mongo) -> None:
    queue, ids = CountingQueue(mongo), [f"s{number:04}" for number in range(501)]
    await queue.insert(RUN, [an_entry(id_, "c1") for id_ in ids])

    assert await ids_of(AccountEntries(queue, RUN), "c1") == ids
