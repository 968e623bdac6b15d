"""One child process: ready, stopped, killed, and spoken of in one sentence when it fails."""

import os
import signal
import sys
from pathlib import Path

import pytest
from processes import a_part, alive, eventually

from shared.errors import PermanentError
from standalone.child_process import ChildProcess

pytestmark = pytest.mark.server

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


async def test_a_part_is_ready_once_its_probe_says_so(tmp_path: Path) -> None:
    part = a_part(tmp_path)

    await part.start()

    assert part.running
    assert "here I am" in part.log_path.read_text()
    await part.kill()


async def test_a_part_that_ends_early_is_told_with_its_log(tmp_path: Path) -> None:
    part = a_part(tmp_path, code="import sys; sys.exit('setting MONGO__URL is missing')")
    part.probe = never

    with pytest.raises(PermanentError) as failure:
        await part.start()

    said = str(failure.value)
    assert said.startswith("billing ended by itself with code 1; its log ")
    assert str(part.log_path) in said
    assert said.endswith("\n    setting MONGO__URL is missing")


async def test_a_part_that_is_never_ready_is_killed_and_told(tmp_path: Path) -> None:
    part = a_part(tmp_path)
    part.probe, part.ready_timeout_seconds = never, 3.0

    with pytest.raises(PermanentError, match=r"billing is not ready after 3 s; its log .* ends with:"):
        await part.start()

    assert not part.running


async def test_a_probe_that_cannot_connect_means_not_yet(tmp_path: Path) -> None:
    part, calls = a_part(tmp_path), iter([OSError("refused"), EOFError(), TimeoutError()])

    async def third_time_lucky() -> bool:
        if error := next(calls, None):
            raise error
        return True

    part.probe = third_time_lucky
    await part.start()

    assert next(calls, None) is None
    await part.kill()


async def test_a_killed_part_can_be_started_again(tmp_path: Path) -> None:
    part = a_part(tmp_path)
    await part.start()
    before = part.pid

    await part.kill(signal.SIGKILL)
    assert not alive(before)
    await part.start()

    assert part.pid != before
    assert not part.ended_unexpectedly
    await part.kill()


async def test_a_part_that_will_not_stop_is_killed_when_its_grace_is_over(tmp_path: Path) -> None:
    part = a_part(tmp_path, code=STUBBORN)
    part.stop_timeout_seconds = 0.3
    await part.start()
    pid = part.pid

    await part.stop()

    assert not alive(pid)


async def test_a_part_that_ends_by_itself_is_gone_and_one_that_was_killed_is_not(tmp_path: Path) -> None:
    ended, killed = a_part(tmp_path, name="ended"), a_part(tmp_path, name="killed")
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


async def test_a_step_that_fails_without_a_word_is_told_so(tmp_path: Path) -> None:
    step = ChildProcess(name="topics", command=[sys.executable, "-c", "exit(3)"], log_path=tmp_path / "log")

    with pytest.raises(PermanentError, match="topics ended by itself with code 3, without a word in its log"):
        await step.start()


async def test_a_part_is_not_started_twice(tmp_path: Path) -> None:
    part = a_part(tmp_path)
    await part.start()

    with pytest.raises(PermanentError, match="billing is running already"):
        await part.start()

    await part.kill()


async def test_a_part_sees_its_own_settings_and_none_of_the_users_shell(tmp_path: Path) -> None:
    part = a_part(tmp_path, code="import os, time; print(sorted(os.environ), flush=True); time.sleep(600)")
    part.env = {"HTTP__PORT": "1"}

    await part.start()

    seen = part.log_path.read_text()
    assert "HTTP__PORT" in seen
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in seen
    await part.kill()


async def never() -> bool:
    return False
