"""Trouble with one tenant: the others are matched as if it were not there."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from catalogue_builders import NOW
from matcher_store import MemoryStore
from matcher_world import World

from matcher.catalogue.items import ItemKind, MatchWork
from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.ports import UnitOfWork
from shared.errors import TransientError

T = TypeVar("T")
MARKS = [MatchWork(ItemKind.PSA_ACCOUNTS, ("nobody",))]


class Troubled(MemoryStore):
    """Whatever is done for the tenant `bad` fails."""

    trouble: Exception | None = ValueError("a bug")
    tried = 0

    async def turn(self, tenant_id: str, work: Callable[[UnitOfWork], Coroutine[Any, Any, T]]) -> T:
        if tenant_id == "bad" and self.trouble:
            self.tried += 1
            raise self.trouble
        return await super().turn(tenant_id, work)


class Clock:
    """Stands still until a test moves it."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


async def test_a_tenant_whose_matching_fails_is_set_aside_and_the_others_go_on() -> None:
    store = await a_store()
    matching = ExactMatcher(store, Clock())

    while await matching.step():
        pass

    assert await store.waiting() == ["bad"]
    assert store.tried == 1


async def test_a_tenant_that_was_set_aside_is_tried_again_after_a_pause() -> None:
    store, clock = await a_store(), Clock()
    matching = ExactMatcher(store, clock)
    await matching.step()
    store.trouble = None

    clock.now += timedelta(minutes=1)
    await matching.step()

    assert await store.waiting() == []


async def test_a_store_that_is_away_is_no_reason_to_set_anyone_aside() -> None:
    store = await a_store()
    store.trouble = TransientError("the store is away")
    matching = ExactMatcher(store, Clock())

    for _ in range(2):
        with pytest.raises(TransientError):
            await matching.step()

    assert store.tried == 2


async def test_a_tenant_with_many_marks_hides_no_other(stored_world: World) -> None:
    store = stored_world.store
    await store.add_marks("bad", MARKS * 120)
    await store.add_marks("good", MARKS)

    assert sorted(await store.waiting()) == ["bad", "good"]


async def a_store() -> Troubled:
    store = Troubled()
    await store.add_marks("bad", MARKS)
    await store.add_marks("good", MARKS)
    return store
