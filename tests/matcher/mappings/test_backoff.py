"""Trouble with one tenant: the others are matched as if it were not there."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from catalogue_builders import NOW
from matcher_store import MemoryStore, MemoryUnitOfWork
from matcher_world import MatcherWorld

from matcher.catalogue.items import ItemKind
from matcher.mappings.exact_matcher import ExactMatcher
from shared.errors import TransientError

T = TypeVar("T")
WORK = (ItemKind.PSA_ACCOUNTS, ["unknown"])


class FailingStore(MemoryStore):
    """Every unit of work of the tenant `bad` fails."""

    error: Exception | None = ValueError("a bug")
    tries = 0

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[[MemoryUnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        if tenant_id == "bad" and self.error:
            self.tries += 1
            raise self.error
        return await super().run_unit_of_work(tenant_id, work)


async def test_a_tenant_whose_matching_fails_is_left_alone_and_the_others_go_on() -> None:
    store = await failing_store()
    matcher = ExactMatcher(store, lambda: NOW)

    while await matcher.process_next():
        pass

    assert await store.tenants_with_work(NOW) == ["bad"]
    assert store.tries == 1


async def test_a_tenant_that_was_left_alone_is_tried_again_after_a_minute() -> None:
    store, now = await failing_store(), NOW
    matcher = ExactMatcher(store, lambda: now)
    await matcher.process_next()
    store.error = None

    now += timedelta(minutes=1)
    await matcher.process_next()

    assert await store.tenants_with_work(now) == []


async def test_a_store_that_is_away_is_no_reason_to_leave_anyone_alone() -> None:
    store = await failing_store()
    store.error = TransientError("the store is away")
    matcher = ExactMatcher(store, lambda: NOW)

    for _ in range(2):
        with pytest.raises(TransientError):
            await matcher.process_next()

    assert store.tries == 2


async def test_a_tenant_with_much_work_hides_no_other(stored_world: MatcherWorld) -> None:
    for _ in range(120):
        await stored_world.catalogue.enqueue("bad", *WORK)
    await stored_world.catalogue.enqueue("good", *WORK)

    assert sorted(await stored_world.store.tenants_with_work(NOW)) == ["bad", "good"]


async def failing_store() -> FailingStore:
    store = FailingStore()
    await store.enqueue("bad", *WORK)
    await store.enqueue("good", *WORK)
    return store
