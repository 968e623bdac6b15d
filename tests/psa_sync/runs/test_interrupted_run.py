"""Workers that are killed, or paused and succeeded, while they collect companies."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
from psa import FakePsa, Killed, a_line, an_agreement
from psa_runs import PsaRunHarness, span_of
from run_env import RecordingPublisher

from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import PsaRunFinished
from shared.mongo import Mongo, Session
from tests.simulation.store.memory_store import mongo_in_memory

ACME = "19297"
T = TypeVar("T")


@dataclass
class Killer:
    """Kills the process at one of its moments, which are counted from when it is armed."""

    fatal: int | None = None
    moments: int = -1
    """Below zero while it is not armed."""

    def moment(self) -> None:
        if self.moments >= 0 and self.moments != self.fatal:
            self.moments += 1
            if self.moments == self.fatal:
                raise Killed


class MortalMongo(Mongo):
    """A document store whose client may die right before, or right after, a transaction."""

    def __init__(self, mongo: Mongo, killer: Killer) -> None:
        self._client, self._database = mongo._client, mongo._database  # noqa: SLF001  not opened again
        self._killer = killer

    async def transaction(self, work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        self._killer.moment()
        result = await super().transaction(work)
        self._killer.moment()
        return result


@dataclass
class MortalPublisher(RecordingPublisher):
    """A publisher whose process may die right before, or right after, Kafka has what it sends."""

    killer: Killer = field(default_factory=Killer)

    async def publish(self, messages: Any, **more: Any) -> None:
        self.killer.moment()
        await super().publish(messages, **more)
        self.killer.moment()


async def read_changes(killer: Killer) -> tuple[dict[str, Any], PsaRunFinished]:
    """Reads a PSA in which much has changed since the run before, with as many workers as that takes.

    Returns what the manifests say in the end.
    """
    harness = await changed_psa(MortalMongo(mongo_in_memory(), killer), killer)
    await harness.queue()
    with suppress(BaseExceptionGroup):
        await harness.worker().step()
    harness.psa.before_call = lambda *_: None
    await harness.worker().step()
    finished = (await harness.outbox_messages())[-1]
    assert isinstance(finished, PsaRunFinished)
    return {
        company_id: (await harness.quantities(company_id), span_says(harness, company_id))
        for company_id in harness.manifests()
    }, finished


async def changed_psa(mongo: Mongo, killer: Killer) -> PsaRunHarness:
    """Reads a PSA once, then changes a number, deletes a line, and moves an agreement to another company."""
    harness = PsaRunHarness(mongo, publisher=MortalPublisher(killer=killer), calls_at_once=1)
    other = replace(an_agreement("90"), company_id="1")
    harness.psa.listed_agreements.append(other)
    harness.psa.held_lines["950"] = a_line("950", "5", agreement=other)
    await harness.run()
    harness.psa.set_line("901", "9")
    del harness.psa.held_lines["902"]
    moved = replace(an_agreement("78"), company_id="1")
    harness.psa.listed_agreements[1] = moved
    harness.psa.held_lines["911"] = a_line("911", "4", agreement=moved)

    def arm(_: FakePsa, call: str) -> None:
        # The lists before are not of interest here.
        killer.moments += call == "agreements" and killer.moments < 0
        killer.moment()

    harness.psa.before_call = arm
    harness.publisher.messages.clear()
    return harness


def span_says(harness: PsaRunHarness, company_id: str) -> list[tuple[str, bool, int]]:
    spans = harness.manifests()[company_id].spans
    return [(span.item_id, span.is_empty, span.ended) for span in spans]


@pytest.mark.parametrize("first", range(1, 6))
async def test_a_run_that_is_killed_at_any_moment_says_the_same_in_the_end(first: int) -> None:
    unhurt = Killer()
    expected, _ = await read_changes(unhurt)
    assert expected == {
        ACME: ({"901": 9}, [("512", False, 2)]),
        "1": ({"950": 5, "911": 4}, [("512", False, 0)]),
        "2": ({}, []),
    }
    assert unhurt.moments > 40

    for fatal in range(first, unhurt.moments + 1, 5):
        said, finished = await read_changes(Killer(fatal))

        assert said == expected, f"killed at moment {fatal}"
        assert (finished.outcome, finished.unread_accounts, finished.exceptions) == (Outcome.COMPLETE, (), ())
        assert finished.manifests in (3, 4), "one may have been published twice"


async def test_what_a_killed_worker_read_in_between_is_not_forgotten(mongo: Mongo) -> None:
    harness = PsaRunHarness(mongo, calls_at_once=1)
    await harness.run()
    await harness.run()
    harness.psa.set_line("901", "9")
    published = list[int]()

    async def die(batch: list[Message]) -> None:
        # Published as 9, which is stored as a row, and killed before the reading is recorded.
        published.append(getattr(batch[0], "revision", 0))
        harness.publisher.before = nothing
        raise Killed

    async def nothing(_: list[Message]) -> None:
        return

    harness.publisher.before = die
    await harness.queue()
    with suppress(BaseExceptionGroup):
        await harness.worker().step()
    harness.psa.set_line("901", "8")
    harness.publisher.messages.clear()

    await harness.worker().step()

    manifest = harness.manifests()[ACME]
    assert (await harness.quantities(ACME))["901"] == 8
    # It was 9 in between, so nothing vouches for 8 before that.
    assert span_of(manifest).known_from > published[0]
    assert not span_of(manifest).is_empty
