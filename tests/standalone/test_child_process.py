"""One child process: ready, stopped, killed, and described in one sentence when it fails."""

import os
import signal
import sys
from pathlib import Path

import pytest
from processes import a_process, alive, eventually

from shared.errors import PermanentError
from standalone.child_process import ChildProcess

pytestmark = pytest.mark.server

IGNORES_SIGTERM = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


async def test_a_process_is_ready_once_its_probe_says_so(tmp_path: Path) -> None:
    process = a_process(tmp_path)

    await process.start()

    assert process.running
    assert "here I am" in process.log_path.read_text()
    await process.kill()


async def test_a_process_that_ends_early_is_reported_with_its_log(tmp_path: Path) -> None:
    process = a_process(tmp_path, code="import sys; sys.exit('setting MONGO__URL is missing')")
    process.probe = never

    with pytest.raises(PermanentError) as failure:
        await process.start()

    message = str(failure.value)
    assert message.startswith("billing ended by itself with code 1; its log ")
    assert str(process.log_path) in message
    assert message.endswith("\n    setting MONGO__URL is missing")


async def test_a_process_that_is_never_ready_is_killed_and_reported(tmp_path: Path) -> None:
    process = a_process(tmp_path)
    process.probe, process.ready_timeout_seconds = never, 3.0

    with pytest.raises(PermanentError, match=r"billing is not ready after 3 s; its log .* ends with:"):
        await process.start()

    assert not process.running


async def test_a_probe_that_cannot_connect_means_not_yet(tmp_path: Path) -> None:
    process, calls = a_process(tmp_path), iter([OSError("refused"), EOFError(), TimeoutError()])

    async def ready_at_the_third_probe() -> bool:
        if error := next(calls, None):
            raise error
        return True

    process.probe = ready_at_the_third_probe
    await process.start()

    assert next(calls, None) is None
    await process.kill()


async def test_a_killed_process_can_be_started_again(tmp_path: Path) -> None:
    process = a_process(tmp_path)
    await process.start()
    before = process.pid

    await process.kill(signal.SIGKILL)
    assert not alive(before)
    await process.start()

    assert process.pid != before
    assert not process.ended_unexpectedly
    await process.kill()


async def test_a_process_that_ignores_sigterm_is_killed_after_its_stop_timeout(tmp_path: Path) -> None:
    process = a_process(tmp_path, code=IGNORES_SIGTERM)
    process.stop_timeout_seconds = 0.3
    await process.start()
    pid = process.pid

    await process.stop()

    assert not alive(pid)


async def test_only_a_process_that_ends_by_itself_counts_as_ended_unexpectedly(tmp_path: Path) -> None:
    ended, killed = a_process(tmp_path, name="ended"), a_process(tmp_path, name="killed")
    await ended.start()
    await killed.start()

    os.kill(ended.pid, signal.SIGTERM)
    await killed.kill()

    assert await eventually(lambda: ended.ended_unexpectedly)
    assert not killed.ended_unexpectedly
    assert ended.exit_message().startswith("ended ended by itself with code -15; its log ")


async def test_a_step_is_done_when_it_ends_well(tmp_path: Path) -> None:
    step = ChildProcess(name="topics", command=[sys.executable, "-c", "pass"], log_path=tmp_path / "log")

    await step.start()

    assert not step.ended_unexpectedly


async def test_a_step_that_fails_with_an_empty_log_is_reported_so(tmp_path: Path) -> None:
    step = ChildProcess(name="topics", command=[sys.executable, "-c", "exit(3)"], log_path=tmp_path / "log")

    with pytest.raises(PermanentError, match="topics ended by itself with code 3, without a word in its log"):
        await step.start()


async def test_a_process_is_not_started_twice(tmp_path: Path) -> None:
    process = a_process(tmp_path)
    await process.start()

    with pytest.raises(PermanentError, match="billing is running already"):
        await process.start()

    await process.kill()


async def test_a_process_sees_its_own_settings_and_none_of_the_users_shell(tmp_path: Path) -> None:
    process = a_process(
        tmp_path, code="import os, time; print(sorted(os.environ), flush=True); time.sleep(600)"
    )
    process.env = {"HTTP__PORT": "1"}

    await process.start()

    seen = process.log_path.read_text()
    assert "HTTP__PORT" in seen
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in seen
    await process.kill()


async def never() -> bool:
    return False
