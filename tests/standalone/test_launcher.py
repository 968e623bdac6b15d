"""The launcher as a person meets it: what it leaves behind, and what it says when something is missing."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from processes import alive, command_of, eventually, family, listening, python, run_to_end

pytestmark = pytest.mark.server

SERVERS = ("kafka", "secantusdb", "valkey", "topics", "sandbox")

MAVEN_ONLY = """
import sys
from pathlib import Path
from standalone import signals
from standalone.kafka_jars import fetch_jars
async def fetch():
    fetch_jars(Path(sys.argv[1]))
    return 0
sys.exit(signals.run(fetch()))
"""


def up(place: Path, *only: str, **settings: str) -> subprocess.Popen[str]:
    chosen = ["--only", *only] if only else []
    return python("-m", "standalone", "up", "--data", str(place), "--seed", "7", *chosen, **settings)


def read_until_up(launcher: subprocess.Popen[str]) -> list[str]:
    """Returns the lines that the launcher prints until all is ready."""
    assert launcher.stdout
    output = []
    for line in launcher.stdout:
        output.append(line)
        if "Ctrl-C" in line:
            return output
    pytest.fail(f"it ended instead: {''.join(output)} {run_to_end(launcher)}")


def ports_of(place: Path, *names: str) -> list[int]:
    """Returns the ports of these processes, or of all."""
    ports: dict[str, int] = json.loads((place / "ports.json").read_text())
    return [port for name, port in ports.items() if not names or name in names]


@pytest.mark.live
@pytest.mark.parametrize(
    ("number", "names"),
    [(signal.SIGINT, SERVERS), (signal.SIGTERM, ("secantusdb", "valkey", "sandbox"))],
    ids=["Ctrl-C", "TERM"],
)
async def test_no_process_and_no_port_is_left_after(
    tmp_path: Path, number: signal.Signals, names: tuple[str, ...]
) -> None:
    launcher = up(tmp_path, *names)
    read_until_up(launcher)
    processes, ports = family(launcher.pid), ports_of(tmp_path)
    assert len(processes) == 1 + len({*names} - {"topics"})  # the launcher's own, and topics has ended

    launcher.send_signal(number)

    code, _, error_output = run_to_end(launcher)
    assert (code, error_output) == (128 + number, "")
    assert not any(map(alive, processes))
    assert not any(map(listening, ports))


@pytest.mark.live
async def test_no_process_outlives_a_launcher_that_is_killed(tmp_path: Path) -> None:
    names = (*SERVERS, "auth", "console")
    launcher = up(tmp_path, *names)
    output = read_until_up(launcher)
    processes, ports = family(launcher.pid), ports_of(tmp_path, *names)
    assert len(processes) == 7
    assert len(ports) == 6
    assert all(map(listening, ports))
    assert json.loads((tmp_path / "secrets.json").read_text())["admin_password"] in "".join(output)

    launcher.kill()

    run_to_end(launcher)
    assert await eventually(lambda: not any(map(alive, processes)))
    assert await eventually(lambda: not any(map(listening, ports)))


@pytest.mark.live
async def test_nothing_is_left_of_a_start_that_was_broken_off(tmp_path: Path) -> None:
    launcher = up(tmp_path, "kafka", "valkey")
    assert launcher.stdout
    launcher.stdout.readline()
    processes = family(launcher.pid)

    launcher.terminate()

    assert run_to_end(launcher)[0] == 128 + signal.SIGTERM
    assert not any(map(alive, processes))


@pytest.mark.live
async def test_each_process_is_reported_with_its_time_and_address(tmp_path: Path) -> None:
    launcher = up(tmp_path, "valkey", "sandbox")

    output = read_until_up(launcher)

    assert {line.split()[0] for line in output[:2]} == {"valkey", "sandbox"}
    assert all(" ready in " in line and "127.0.0.1:" in line for line in output[:2])
    launcher.terminate()
    run_to_end(launcher)


@pytest.mark.live
async def test_a_process_that_dies_ends_the_launcher_with_its_log(tmp_path: Path) -> None:
    launcher = up(tmp_path, "valkey", "sandbox")
    read_until_up(launcher)
    processes = family(launcher.pid) - {launcher.pid}
    valkey = next(pid for pid in processes if "valkey-server" in command_of(pid))

    os.kill(valkey, signal.SIGKILL)

    code, _, error_output = run_to_end(launcher)
    assert code == 1
    assert error_output.startswith(
        f"valkey ended by itself with code -9; its log {tmp_path}/logs/valkey.log ends"
    )
    assert await eventually(lambda: not any(map(alive, processes)))


def test_a_missing_java_is_reported_in_one_sentence(tmp_path: Path) -> None:
    code, _, error_output = run_to_end(up(tmp_path, "kafka", PATH="", JAVA_HOME=""))

    assert code == 1
    assert error_output == (
        "Apache Kafka needs Java 17 or newer and there is none: install one (for example package "
        "openjdk-17-jre-headless), or run the system with `docker compose up` instead\n"
    )


def test_an_old_java_is_reported_in_one_sentence(tmp_path: Path) -> None:
    java = tmp_path / "old" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho '    java.home = /old\n    java.specification.version = 11' >&2\n")
    java.chmod(0o700)

    code, _, error_output = run_to_end(up(tmp_path, "kafka", JAVA_HOME=str(tmp_path / "old")))

    assert code == 1
    assert error_output.startswith(
        f"Apache Kafka needs Java 17 or newer and {java} is version 11: install one"
    )
    assert error_output.count("\n") == 1


def test_a_missing_maven_is_reported_in_one_sentence(tmp_path: Path) -> None:
    code, _, error_output = run_to_end(python("-c", MAVEN_ONLY, str(tmp_path), PATH=""))

    assert code == 1
    assert error_output == (
        "Apache Kafka is fetched with Maven and there is no `mvn` on the PATH: install Maven 3.6 or newer "
        "(package maven), or run the system with `docker compose up` instead\n"
    )


@pytest.mark.live
def test_what_was_fetched_once_is_not_fetched_again() -> None:
    assert run_to_end(python("-m", "standalone", "resolve", PATH="")) == (0, "", "")


def test_a_maven_that_fails_is_quoted(tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] there is no network'\nexit 1\n")
    maven.chmod(0o700)

    code, _, error_output = run_to_end(python("-c", MAVEN_ONLY, str(tmp_path / "tools"), PATH=str(tmp_path)))

    assert code == 1
    assert error_output == "Maven could not fetch Apache Kafka: [ERROR] there is no network\n"
    assert not list((tmp_path / "tools").iterdir())


def test_a_directory_in_use_is_reported_in_one_sentence(tmp_path: Path) -> None:
    first = up(tmp_path, "valkey")
    read_until_up(first)

    code, _, error_output = run_to_end(up(tmp_path, "valkey"))

    assert code == 1
    assert error_output.startswith(
        f"{tmp_path} is in use by another launcher (process {first.pid}): stop that one"
    )
    first.terminate()
    assert run_to_end(first)[0] == 143
