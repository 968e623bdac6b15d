"""Whatever goes wrong in whatever order: one number is written at most, and what is reported was read."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from psa import FakePsa
from writes import TEN, WriteHarness, a_write

from psa_sync.writes.decide import MAX_SENDS
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import TransientError
from tests.simulation.store.memory_store import mongo_in_memory

FAULTS = ["works", *(f"{how}-{when}" for how in ("cut", "killed") for when in ("before", "after"))]
FAULTS += ["throttled", "busy", "false-200"]
KILLS = ["", *(f"{when} {step}" for step in ("sending", "sent", "finish") for when in ("before", "after"))]


@dataclass
class LineChanger:
    """Sets the line right before the calls with these numbers, as somebody does in the PSA."""

    changes: dict[int, str]
    calls: int = 0

    def __call__(self, psa: FakePsa, _: str) -> None:
        self.calls += 1
        if self.calls in self.changes:
            psa.set_line("901", self.changes[self.calls])


@dataclass
class Trouble:
    """What goes wrong with writes, with reads, with the worker, and who else is at work."""

    writes: list[str]
    reads: list[Exception | None]
    kill: str
    changes: dict[int, str]


TROUBLES = st.builds(
    Trouble,
    writes=st.lists(st.sampled_from(FAULTS), max_size=8),
    reads=st.lists(st.sampled_from([None, None, TransientError("503")]), max_size=8),
    kill=st.sampled_from(KILLS),
    changes=st.dictionaries(st.integers(1, 8), st.sampled_from(["8", "9", "10"]), max_size=3),
)


@settings(max_examples=60)
@given(trouble=TROUBLES)
async def test_an_approval_has_one_effect_at_most_and_the_report_is_what_was_read(
    trouble: Trouble,
) -> None:
    harness = WriteHarness(mongo_in_memory())
    harness.psa.write_faults, harness.psa.read_faults = trouble.writes, trouble.reads
    harness.psa.before_call, harness.intents.kill_at = LineChanger(trouble.changes), trouble.kill

    messages = await harness.write(a_write("10", expected="8"))
    await harness.writes.receive([a_write("10", expected="8")])
    await harness.work_once()

    (result,) = messages
    assert {quantity for _, quantity in harness.psa.sent} <= {TEN}
    assert len(harness.psa.applied) <= MAX_SENDS
    match result:
        case QuantityWritten():
            assert harness.psa.last_read == TEN
            assert result.sent or not harness.psa.applied
        case QuantityRefused():
            assert harness.psa.last_read != TEN
            assert result.reason is not WriteRefusal.EXPIRED
            assert result.current == harness.psa.last_read
    assert harness.observed_quantities()[-1] == harness.psa.last_read
    assert await harness.outbox_messages() == [result, result]
