"""The data directory: what a launcher finds again at its next start, and the lock that keeps others out."""

import os
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from processes import alive, python, run_to_end

from shared.errors import PermanentError
from standalone.credentials import Credentials
from standalone.data_dir import allocate_ports, choose_seed, locked, rotate_logs

pytestmark = pytest.mark.server

HOLDS_THE_LOCK = """
import subprocess, sys, time
from pathlib import Path
from standalone.data_dir import locked
with locked(Path(sys.argv[1])) as held:
    orphan = None
    if len(sys.argv) > 2:
        child = [sys.executable, "-c", "import time; time.sleep(600)"]
        orphan = subprocess.Popen(child, pass_fds=(held,)).pid
    print("held", orphan, flush=True)
    time.sleep(600)
"""


def a_holder(place: Path) -> subprocess.Popen[str]:
    """A launcher that holds the directory."""
    holder = python("-c", HOLDS_THE_LOCK, str(place))
    assert holder.stdout
    assert holder.stdout.readline() == "held None\n"
    return holder


def a_holder_with_a_child(place: Path) -> tuple[subprocess.Popen[str], int]:
    """A launcher that holds the directory, and the id of its child process that holds it too."""
    holder = python("-c", HOLDS_THE_LOCK, str(place), "and a child")
    assert holder.stdout
    return holder, int(holder.stdout.readline().removeprefix("held "))


def end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    run_to_end(holder)


def test_two_launchers_do_not_share_a_directory(tmp_path: Path) -> None:
    other = a_holder(tmp_path)

    with pytest.raises(PermanentError) as refusal, locked(tmp_path):
        pass

    assert str(refusal.value).startswith(f"{tmp_path} is in use by another launcher (process {other.pid})")
    end(other)


def test_what_a_killed_launcher_left_behind_is_waited_for(tmp_path: Path) -> None:
    other, orphan = a_holder_with_a_child(tmp_path)
    other.kill()
    other.wait()
    assert alive(orphan)
    ending = Timer(0.3, os.kill, (orphan, signal.SIGKILL))
    ending.start()

    with locked(tmp_path):
        assert not alive(orphan)

    run_to_end(other)


def test_a_directory_that_was_left_can_be_taken_again(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass

    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_ports_stay_the_same_while_they_are_free(tmp_path: Path) -> None:
    first = allocate_ports(tmp_path, ["kafka", "auth"])

    assert allocate_ports(tmp_path, ["kafka", "auth"]) == first
    assert len(set(first.values())) == 2


def test_a_port_that_somebody_took_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    first = allocate_ports(tmp_path, ["kafka", "auth"])

    with closing(socket.create_server(("127.0.0.1", first["kafka"]))):
        second = allocate_ports(tmp_path, ["kafka", "auth"])

    assert second["kafka"] != first["kafka"]
    assert second["auth"] == first["auth"]


def test_the_seed_of_the_last_time_is_used_again_unless_another_is_wanted(tmp_path: Path) -> None:
    assert choose_seed(tmp_path, 7) == 7
    assert choose_seed(tmp_path, None) == 7
    assert choose_seed(tmp_path, 8) == 8


def test_the_logs_of_the_run_before_are_kept(tmp_path: Path) -> None:
    (rotate_logs(tmp_path) / "auth.log").write_text("the first run")

    logs = rotate_logs(tmp_path)

    assert not list(logs.iterdir())
    assert (tmp_path / "logs.before" / "auth.log").read_text() == "the first run"


def test_secrets_are_made_once_and_for_the_owners_eyes(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"

    first = Credentials.load_or_create(path)

    assert Credentials.load_or_create(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert first != Credentials.load_or_create(tmp_path / "other.json")


def test_secrets_do_not_show_when_printed(tmp_path: Path) -> None:
    credentials = Credentials.load_or_create(tmp_path / "secrets.json")

    assert credentials.admin_password not in f"{credentials} {credentials!r}"
