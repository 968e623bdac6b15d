"""Being told to stop: Ctrl-C, a SIGTERM or a closed terminal end the work in order."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from shared.errors import PermanentError

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run the work in the main thread; the exit code is its own, 1 with a sentence when it cannot be done.

    A stop signal cancels it, so that the contexts that it is in are left; the code is 128 + the signal.
    """
    return asyncio.run(_until_signalled(work))


async def _until_signalled(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(work)
    caught: list[signal.Signals] = []
    for number in _STOPPING:
        asyncio.get_running_loop().add_signal_handler(number, _stop, task, number, caught)
    try:
        return await task
    except asyncio.CancelledError:
        return 128 + caught[0] if caught else 1
    except PermanentError as error:
        print(error, file=sys.stderr)
        return 1


def _stop(task: asyncio.Future[int], number: signal.Signals, caught: list[signal.Signals]) -> None:
    """Asked a second time it must not cancel the stopping itself: that has its own limits."""
    if not caught:
        caught.append(number)
        task.cancel()
