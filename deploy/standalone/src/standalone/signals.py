"""Ends the work in order on Ctrl-C, SIGTERM or a closed terminal."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from shared.errors import PermanentError

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run the work in the main thread and return the exit code.

    The code is the work's own, or 1 after its `PermanentError` was printed. A stop signal cancels the work,
    so that every context which it has entered is left; the code is then 128 + the signal, as in shells.
    """
    return asyncio.run(_until_signalled(work))


async def _until_signalled(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(work)
    caught: list[signal.Signals] = []
    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, _stop, task, number, caught)
    try:
        return await task
    except asyncio.CancelledError:
        return 128 + caught[0] if caught else 1
    except PermanentError as error:
        print(error, file=sys.stderr)
        return 1


def _stop(task: asyncio.Future[int], number: signal.Signals, caught: list[signal.Signals]) -> None:
    # A second signal must not cancel the stopping itself, which has time limits of its own.
    if not caught:
        caught.append(number)
        task.cancel()
