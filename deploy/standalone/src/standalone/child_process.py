"""One part of the system: a child process that starts, gets ready, and is stopped or killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import PermanentError
from standalone import parent_death

Probe = Callable[[], Awaitable[bool]]
"""True once the part does its job; false, an `OSError` or no answer in two seconds: not yet."""

_TETHER = (sys.executable, "-I", "-S", parent_death.__file__)
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "JAVA_HOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_GLANCE = 0.03
_PROBE_PATIENCE = 2.0
_LAST_WORDS = 8
_LAST_BYTES = 4000


@dataclass(kw_only=True)
class ChildProcess:
    """A child process. Without a `probe` it is a step, done when the process ends with code 0."""

    name: str
    command: Sequence[str]
    log_path: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    after: tuple[str, ...] = ()
    """Which parts must be ready first."""
    probe: Probe | None = None
    address: str = ""
    within: float = 60
    """Seconds to get ready in."""
    grace: float = 10
    """Seconds between being asked to stop and being killed."""
    holding: tuple[int, ...] = ()
    """File descriptors that the process keeps open as long as it lives."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log_from: int = field(default=0, init=False, repr=False)

    @property
    def pid(self) -> int:
        """Of the process started last."""
        if self._process is None:
            raise PermanentError(f"{self.name} has not been started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def gone(self) -> bool:
        """It ended though nobody asked it to; a step that did its work is not gone."""
        code = self._process.poll() if self._process else None
        return code is not None and (self.probe is not None or code != 0)

    async def start(self) -> float:
        """Seconds it took to be ready. Raises `PermanentError` with its last words when it fails."""
        began = time.monotonic()
        self._spawn()
        try:
            async with asyncio.timeout(self.within):
                await self._ready()
        except TimeoutError:
            await self.kill()
            raise PermanentError(self._sentence(f"is not ready after {self.within:g} s")) from None
        return time.monotonic() - began

    async def stop(self) -> None:
        """Ask it to end, and kill it once its grace is over."""
        if self.running:
            self.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.grace):
                    await self._ended()
        await self.kill()

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal and wait for the end; nothing when it has ended. `start` brings it back."""
        if self.running:
            self.signal(number)
            await self._ended()
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal (`SIGSTOP` and `SIGCONT` too) and do not wait."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def obituary(self) -> str:
        """One sentence: how it ended, where its log is, and that log's last lines."""
        code = self._process.poll() if self._process else None
        return self._sentence(f"ended by itself with code {code}")

    def _spawn(self) -> None:
        """In a session of its own: a terminal's Ctrl-C reaches only the launcher, which knows the order."""
        if self.running:
            raise PermanentError(f"{self.name} is running already, as process {self.pid}")
        with self._log() as log:
            self._process = subprocess.Popen(  # noqa: S603  the launcher's own command
                [*_TETHER, str(os.getpid()), "--", *self.command],
                env=_environment() | dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.holding,
            )

    @contextmanager
    def _log(self) -> Iterator[int]:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._log_from = log.tell()
            yield log.fileno()

    async def _ready(self) -> None:
        while self.running:
            if self.probe and await _answers(self.probe):
                return
            await asyncio.sleep(_GLANCE)
        if self.gone:
            raise PermanentError(self.obituary())

    async def _ended(self) -> None:
        while self.running:  # noqa: ASYNC110  a child's end can only be asked for
            await asyncio.sleep(_GLANCE)

    def _sentence(self, what: str) -> str:
        said = _tail(self.log_path, self._log_from)
        return (
            f"{self.name} {what}; its log {self.log_path} ends with:{said}"
            if said
            else (f"{self.name} {what}, without a word in its log {self.log_path}")
        )


async def _answers(probe: Probe) -> bool:
    with suppress(OSError, EOFError):  # a time-out is an OSError too
        async with asyncio.timeout(_PROBE_PATIENCE):
            return await probe()
    return False


def _environment() -> dict[str, str]:
    """Only what a process needs to run: a setting in the user's shell must not reach a service by chance."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"PYTHONUNBUFFERED": "1"}


def _tail(path: Path, start: int) -> str:
    with path.open("rb") as log:
        log.seek(max(start, path.stat().st_size - _LAST_BYTES))
        lines = log.read().decode(errors="replace").split("\n")
    return "".join(f"\n    {line}" for line in [line for line in lines if line.strip()][-_LAST_WORDS:])
