"""The whole system as one context manager: for demo, live tests, fault tests and benchmarks."""

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
from standalone.data_dir import fresh_logs, locked, ports, seed
from standalone.kafka import Kafka
from standalone.probes import HOST
from standalone.services import (
    SANDBOX,
    SERVICES,
    TOPICS,
    Servers,
    Surroundings,
    environment,
    sandbox,
    service,
    topics,
)
from standalone.startup_order import Say, start_in_order, stop_in_order, tell
from standalone.stores import mongo_url, secantusdb, valkey

SERVERS = ("kafka", "secantusdb", "valkey")
EVERYTHING = (*SERVERS, TOPICS, SANDBOX, *SERVICES)

_PORTS = ("kafka", "kafka-controller", "secantusdb", "valkey", SANDBOX, *SERVICES)
_GLANCE = 0.2

Overrides = Mapping[str, Mapping[str, str]]
"""Settings by the name of the sandbox or a service: `{"vendor-sync": {"BUDGET__PER_MINUTE": "50"}}`."""


@dataclass(kw_only=True)
class System:
    """Everything running while the context is open; its data, ports and secrets outlive it in `data_dir`.

    `parts[name]` is a child process (`pid`, `log_path`, `signal`, `kill`, `start`), `urls[name]` the address
    of the sandbox or a service, `servers` where Kafka and the stores are. To be entered in the main thread.
    Entering raises `PermanentError` with a sentence for a person; nothing is left running then.
    """

    data_dir: Path
    seed: int | None = None
    """The sandbox's; without one that of the last time, or a new one. Known once the context is open."""
    only: tuple[str, ...] = EVERYTHING
    """Which parts to start: `SERVERS`, `SERVICES`, "topics" and "sandbox" or some of their names."""
    overrides: Overrides = field(default_factory=dict)
    own: Servers | None = None
    """Servers that somebody else runs, to be used in place of ours."""
    say: Say = tell
    parts: dict[str, ChildProcess] = field(init=False, default_factory=dict)
    around: Surroundings = field(init=False, repr=False)
    _open: AsyncExitStack = field(init=False, repr=False, default_factory=AsyncExitStack)

    @property
    def servers(self) -> Servers:
        return self.around.servers

    @property
    def credentials(self) -> Credentials:
        """Who may sign in, and the services' tokens."""
        return self.around.credentials

    @property
    def urls(self) -> dict[str, str]:
        return {name: self.around.url(name) for name in (SANDBOX, *SERVICES)}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            held = opening.enter_context(locked(self.data_dir))
            self._plan(held)
            opening.push_async_callback(stop_in_order, self.parts)
            await start_in_order(self.parts, self.say)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def watch(self) -> None:
        """Wait for ever; raises `PermanentError` with its last words when a part ends by itself."""
        while True:
            for part in self.parts.values():
                if part.gone:
                    raise PermanentError(part.obituary())
            await asyncio.sleep(_GLANCE)

    def _plan(self, held: int) -> None:
        """Which processes there will be; nothing is started yet."""
        chosen = ports(self.data_dir, _PORTS)
        self.seed = seed(self.data_dir, self.seed)
        self.around = Surroundings(
            servers=self.own or _servers(chosen),
            credentials=Credentials.kept_in(self.data_dir / "secrets.json"),
            ports=chosen,
            seed=self.seed,
        )
        logs = fresh_logs(self.data_dir)
        self.parts = {part.name: part for part in (*self._server_parts(logs), *self._our_parts(logs))}
        for part in self.parts.values():
            part.holding = (held,)

    def _server_parts(self, logs: Path) -> Iterator[ChildProcess]:
        wanted = () if self.own else self.only
        at, place = self.around.ports, self.data_dir.resolve()
        if "kafka" in wanted:
            yield from Kafka(place / "kafka", at["kafka"], at["kafka-controller"]).parts(logs)
        if "secantusdb" in wanted:
            yield secantusdb(place / "secantusdb", at["secantusdb"], logs)
        if "valkey" in wanted:
            yield valkey(place / "valkey", at["valkey"], logs)

    def _our_parts(self, logs: Path) -> Iterator[ChildProcess]:
        if TOPICS in self.only:
            yield topics(self.servers, logs, after=("kafka",))
        if SANDBOX in self.only:
            yield sandbox(self.around, self._overridden(SANDBOX), logs)
        for name in SERVICES:
            if name in self.only:
                env = environment(name, self.around) | self._overridden(name)
                yield service(name, env, logs, after=(*SERVERS, TOPICS, SANDBOX))

    def _overridden(self, name: str) -> dict[str, str]:
        return dict(self.overrides.get(name, {}))


def _servers(chosen: Mapping[str, int]) -> Servers:
    return Servers(
        kafka=f"{HOST}:{chosen['kafka']}",
        mongo_url=mongo_url(chosen["secantusdb"]),
        redis_url=f"redis://{HOST}:{chosen['valkey']}/0",
    )
