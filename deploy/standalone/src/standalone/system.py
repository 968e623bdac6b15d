"""Runs the whole system as one context manager: for the demo, live tests, fault tests and benchmarks."""

# Ports, seed, secrets and logs are settled before the first process exists.  The exit callback is registered
# before anything is started, so entering that fails half-way stops what was started, in the opposite order.
# The lock on the data directory is taken first and released last.

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.credentials import Credentials
from standalone.data_dir import allocate_ports, choose_seed, locked, rotate_logs
from standalone.kafka import Kafka
from standalone.services import (
    SANDBOX,
    SERVICES,
    TOPICS,
    Servers,
    SystemContext,
    sandbox_process,
    service_environment,
    service_process,
    topics_step,
)
from standalone.startup_order import Report, print_line, start_in_order, stop_in_order
from standalone.stores import mongo_url, redis_url, secantusdb, valkey

SERVERS = ("kafka", "secantusdb", "valkey")
EVERYTHING = (*SERVERS, TOPICS, SANDBOX, *SERVICES)

_PORT_NAMES = ("kafka", "kafka-controller", "secantusdb", "valkey", SANDBOX, *SERVICES)
_POLL_SECONDS = 0.2

Overrides = Mapping[str, Mapping[str, str]]
"""Settings by the name of the sandbox or a service: `{"vendor-sync": {"BUDGET__PER_MINUTE": "50"}}`."""


@dataclass(kw_only=True)
class System:
    """All processes, running while the context is open; data, ports and secrets outlive it in `data_dir`.

    `processes[name]` is a child process (`pid`, `log_path`, `signal`, `kill`, `start`), `urls[name]` the
    address of the sandbox or a service, `servers` the addresses of Kafka and the stores. To be entered in the
    main thread (see `parent_death`). Entering raises `PermanentError` with a sentence for a person, and then
    leaves nothing running.
    """

    data_dir: Path
    seed: int | None = None
    """The sandbox's seed; None takes that of the last start, or a new one. Set once the context is open."""
    only: tuple[str, ...] = EVERYTHING
    """Names of the processes to start, out of `EVERYTHING`."""
    overrides: Overrides = field(default_factory=dict)
    external_servers: Servers | None = None
    """Servers that somebody else runs, to be used in place of the launcher's own."""
    report: Report = print_line
    processes: dict[str, ChildProcess] = field(init=False, default_factory=dict)
    context: SystemContext = field(init=False, repr=False)
    _open: AsyncExitStack = field(init=False, repr=False, default_factory=AsyncExitStack)

    @property
    def servers(self) -> Servers:
        return self.context.servers

    @property
    def credentials(self) -> Credentials:
        """The administrator's sign-in, and the services' tokens and keys."""
        return self.context.credentials

    @property
    def urls(self) -> dict[str, str]:
        return {name: self.context.url(name) for name in (SANDBOX, *SERVICES)}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            lock_fd = opening.enter_context(locked(self.data_dir))
            self._plan(lock_fd)
            opening.push_async_callback(stop_in_order, self.processes)
            await start_in_order(self.processes, self.report)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def watch(self) -> None:
        """Wait for ever; raises `PermanentError` with the end of its log when a process ends by itself."""
        while True:
            for process in self.processes.values():
                if process.ended_unexpectedly:
                    raise PermanentError(process.exit_message())
            await asyncio.sleep(_POLL_SECONDS)

    def _plan(self, lock_fd: int) -> None:
        """Choose ports, seed and credentials, and define the processes; start none."""
        ports = allocate_ports(self.data_dir, _PORT_NAMES)
        self.seed = choose_seed(self.data_dir, self.seed)
        credentials = Credentials.load_or_create(self.data_dir / "secrets.json")
        own_servers = _own_servers(self._kafka(ports, credentials), ports, credentials)
        self.context = SystemContext(
            servers=self.external_servers or own_servers,
            credentials=credentials,
            ports=ports,
            seed=self.seed,
        )
        logs = rotate_logs(self.data_dir)
        defined = (*self._server_processes(logs), *self._service_processes(logs))
        self.processes = {process.name: process for process in defined}
        for process in self.processes.values():
            process.inherited_fds = (lock_fd,)

    def _server_processes(self, logs: Path) -> Iterator[ChildProcess]:
        names = () if self.external_servers else self.only
        ports, data = self.context.ports, self.data_dir.resolve()
        passwords = self.credentials.server_passwords
        if "kafka" in names:
            yield from self._kafka(ports, self.credentials).processes(logs)
        if "secantusdb" in names:
            yield secantusdb(data / "secantusdb", ports["secantusdb"], passwords["secantusdb"], logs)
        if "valkey" in names:
            yield valkey(data / "valkey", ports["valkey"], passwords["valkey"], logs)

    def _kafka(self, ports: Mapping[str, int], credentials: Credentials) -> Kafka:
        directory, password = self.data_dir.resolve() / "kafka", credentials.server_passwords["kafka"]
        return Kafka(directory, ports["kafka"], ports["kafka-controller"], password)

    def _service_processes(self, logs: Path) -> Iterator[ChildProcess]:
        if TOPICS in self.only:
            yield topics_step(self.servers, logs, after=("kafka",))
        if SANDBOX in self.only:
            yield sandbox_process(self.context, dict(self.overrides.get(SANDBOX, {})), logs)
        for name in SERVICES:
            if name in self.only:
                env = service_environment(name, self.context) | dict(self.overrides.get(name, {}))
                yield service_process(name, env, logs, after=(*SERVERS, TOPICS, SANDBOX))


def _own_servers(kafka: Kafka, ports: Mapping[str, int], credentials: Credentials) -> Servers:
    passwords = credentials.server_passwords
    return Servers(
        kafka=kafka.settings,
        mongo_url=mongo_url(ports["secantusdb"], passwords["secantusdb"]),
        redis_url=redis_url(ports["valkey"], passwords["valkey"]),
    )
