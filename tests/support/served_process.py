"""A small service run by `serve`, as a process of its own, and raw connections to it.

`python served_process.py` is the service; `run_service` starts it and says where it listens.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from shared.runtime.health import Health
from shared.runtime.lifespan import create_application, serve, service_lifespan
from shared.runtime.settings import ServiceSettings
from standalone.port_claims import claim_free_port

READY_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.02
LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"


class Parcel(BaseModel):
    """A body with nothing remarkable in it."""

    text: str


def create_app(_: ServiceSettings) -> FastAPI:
    router = APIRouter()

    @router.post("/parcels")
    async def weigh(parcel: Parcel) -> int:
        return len(parcel.text)

    @router.get("/parcels")
    async def list_parcels() -> list[str]:
        return []

    @router.get("/volume")
    async def read_volume() -> str:
        return "x" * 4_000_000

    @router.get("/patience")
    async def wait() -> str:
        await asyncio.sleep(600)
        return "late"

    health = Health("parcels")
    return create_application(health, partial(service_lifespan, health=health), [router])


@dataclass(frozen=True, slots=True)
class ServedProcess:
    """Where the service listens, and its process."""

    port: int
    pid: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def peak_bytes(self) -> int:
        """The most memory that the process has ever held."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    async def ask(self, request: bytes = LIVE, *, within_seconds: float = 30) -> tuple[int, bytes]:
        """Sends a request on a connection of its own; returns the status and all that came, up to the end."""
        async with self.connection() as (reader, writer):
            writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            return await answer_on(reader, within_seconds=within_seconds)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer_on(reader: asyncio.StreamReader, *, within_seconds: float = 30) -> tuple[int, bytes]:
    """Returns the status and all that came when the far side closes; the status is 0 if it said nothing."""
    came = b""
    async with asyncio.timeout(within_seconds):
        try:
            while piece := await reader.read(65_536):
                came += piece
        except ConnectionResetError:
            pass
    return (int(came.split(b" ", 2)[1]) if came else 0), came


@contextmanager
def run_service(**settings: str) -> Iterator[ServedProcess]:
    """Runs the service until the block ends."""
    port = claim_free_port()
    env = os.environ | {"HTTP__PORT": str(port), "LOG_LEVEL": "ERROR"} | settings
    process = subprocess.Popen([sys.executable, __file__], env=env)  # noqa: S603 - our own
    try:
        _wait_until_listening(port, process)
        yield ServedProcess(port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(READY_WITHIN_SECONDS)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_POLL_SECONDS)  # without it, asking takes as much of the machine as starting
    raise RuntimeError(f"the service ended with code {process.returncode} before it listened on {port}")


if __name__ == "__main__":
    serve(create_app, ServiceSettings, "parcels")
