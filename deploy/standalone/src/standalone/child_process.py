"""Runs one child process of the system: starts it, waits until it is ready, and stops or kills it."""

# States, and what moves a process between them:
#
#   not started --start()--> starting --probe true--> ready --stop(), kill()--> not started
#                            starting --ends or times out--> start() raises PermanentError
#                            ready --ends by itself--> `ended_unexpectedly`, until start() or kill()
#
# A process without a probe is a step, such as creating the topics: it is done when it ends with code 0, and
# ended unexpectedly with any other code.  Readiness is only asked while the process runs, so a process that
# dies while it starts is reported at once and with its log, not after the time-out.

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import PermanentError
from standalone import parent_death
from standalone.private_files import PRIVATE_UMASK, append_private, make_private_directory
from standalone.time_limit import TIMEOUT_SECONDS

Probe = Callable[[], Awaitable[bool]]
"""True once the process does its job; False, an `OSError` or no answer in two seconds mean: not yet."""

_PARENT_DEATH_GUARD = (sys.executable, "-I", "-S", parent_death.__file__)
# Only what a process needs to run: a setting in the user's shell must not reach a service by chance.
_INHERITED_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "JAVA_HOME",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
)
_POLL_SECONDS = 0.03
_PROBE_TIMEOUT_SECONDS = 2.0
_TAIL_LINES = 8
_TAIL_BYTES = 4000


@dataclass(kw_only=True)
class ChildProcess:
    """A child process of the launcher; without a `probe` it is a step, done when it ends with code 0."""

    name: str
    command: Sequence[str]
    log_path: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # secrets are among it
    cwd: Path | None = None
    after: tuple[str, ...] = ()
    """Names of the processes that must be ready before this one starts."""
    probe: Probe | None = field(default=None, repr=False)  # it knows how to sign in
    address: str = ""
    ready_timeout_seconds: float = TIMEOUT_SECONDS
    stop_timeout_seconds: float = 10
    """Between SIGTERM and SIGKILL."""
    inherited_fds: tuple[int, ...] = ()
    """File descriptors that the process keeps open as long as it lives."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log_start: int = field(default=0, init=False, repr=False)

    @property
    def pid(self) -> int:
        """The process id of the last start; raises `PermanentError` if there was none."""
        if self._process is None:
            raise PermanentError(f"{self.name} has not been started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ended_unexpectedly(self) -> bool:
        """Whether the process ended though nobody stopped it; a step that ended with code 0 did its work."""
        code = self._process.poll() if self._process else None
        return code is not None and (self.probe is not None or code != 0)

    async def start(self) -> float:
        """Start the process and return the seconds until it was ready.

        Raises `PermanentError` with the end of its log when it ends or is not ready in time.
        """
        started = time.monotonic()
        self._spawn()
        try:
            async with asyncio.timeout(self.ready_timeout_seconds):
                await self._wait_until_ready()
        except TimeoutError:
            await self.kill()
            message = self._with_log_tail(f"is not ready after {self.ready_timeout_seconds:g} s")
            raise PermanentError(message) from None
        return time.monotonic() - started

    async def stop(self) -> None:
        """Send SIGTERM, and SIGKILL when the process has not ended in time."""
        if self.running:
            self.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.stop_timeout_seconds):
                    await self._wait_until_ended()
        await self.kill()

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal and wait for the end; does nothing when the process has ended."""
        if self.running:
            self.signal(number)
            await self._wait_until_ended()
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal (`SIGSTOP` and `SIGCONT` too) without waiting for its effect."""
        # To the whole group: where the parent-death guard stays in between, the command must get it too.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def exit_message(self) -> str:
        """Return one sentence: how the process ended, where its log is, and the log's last lines."""
        code = self._process.poll() if self._process else None
        return self._with_log_tail(f"ended by itself with code {code}")

    def _spawn(self) -> None:
        if self.running:
            raise PermanentError(f"{self.name} is running already, as process {self.pid}")
        make_private_directory(self.log_path.parent)
        inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
        with open(append_private(self.log_path), "ab") as log:  # noqa: PTH123  a descriptor
            # A log holds all starts of a process; a message quotes only what the last one has written.
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  the launcher's own command
                [*_PARENT_DEATH_GUARD, str(os.getpid()), "--", *self.command],
                env=inherited | {"PYTHONUNBUFFERED": "1"} | dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A terminal's Ctrl-C then reaches only the launcher, which knows in which order to stop.
                start_new_session=True,
                umask=PRIVATE_UMASK,
                pass_fds=self.inherited_fds,
            )

    async def _wait_until_ready(self) -> None:
        while self.running:
            if self.probe:
                with suppress(OSError, EOFError):  # a time-out is an OSError too
                    async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
                        if await self.probe():
                            return
            await asyncio.sleep(_POLL_SECONDS)
        if self.ended_unexpectedly:
            raise PermanentError(self.exit_message())

    async def _wait_until_ended(self) -> None:
        while self.running:  # noqa: ASYNC110  a child's end can only be asked for
            await asyncio.sleep(_POLL_SECONDS)

    def _with_log_tail(self, event: str) -> str:
        with self.log_path.open("rb") as log:
            log.seek(max(self._log_start, self.log_path.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").split("\n")
        tail = "".join(f"\n    {line}" for line in [line for line in lines if line.strip()][-_TAIL_LINES:])
        if tail:
            return f"{self.name} {event}; its log {self.log_path} ends with:{tail}"
        return f"{self.name} {event}, without a word in its log {self.log_path}"
