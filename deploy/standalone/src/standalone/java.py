"""Finds the Java and the Maven that Apache Kafka needs, or says in one sentence what to install."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from shared.errors import PermanentError

OLDEST = 17
"""Kafka 4 brokers need Java 17 (Kafka 4.0 upgrade notes)."""

_OTHERWISE = "or run the system with `docker compose up` instead"


def find_java() -> str:
    """The path of the real `java`, behind any shim: a shim would stand between us and the process."""
    launcher = _java_home() or shutil.which("java")
    if launcher is None:
        raise PermanentError(f"Apache Kafka needs Java {OLDEST} or newer and there is none: {_advice()}")
    properties = _properties(launcher)
    version = properties.get("java.specification.version", "unknown")
    if not version.isdigit() or int(version) < OLDEST:
        found = f"{launcher} is version {version}"
        raise PermanentError(f"Apache Kafka needs Java {OLDEST} or newer and {found}: {_advice()}")
    return str(Path(properties["java.home"]) / "bin" / "java")


def find_maven() -> str:
    maven = shutil.which("mvn")
    if maven is None:
        raise PermanentError(
            "Apache Kafka is fetched with Maven and there is no `mvn` on the PATH: "
            f"install Maven 3.6 or newer (package maven), {_OTHERWISE}"
        )
    return maven


def _advice() -> str:
    return f"install one (for example package openjdk-{OLDEST}-jre-headless), {_OTHERWISE}"


def _java_home() -> str | None:
    path = Path(os.environ.get("JAVA_HOME") or "/nonexistent") / "bin" / "java"
    return str(path) if path.is_file() else None


def _properties(java: str) -> dict[str, str]:
    """What Java says of itself; Java 8 calls its specification version 1.8."""
    command = [java, "-XshowSettings:properties", "-version"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 (java's own)
    return dict(re.findall(r"^\s+(java\.\S+) = (.*)$", told.stderr + told.stdout, re.MULTILINE))
