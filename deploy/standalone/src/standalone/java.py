"""Finds the Java and the Maven that Apache Kafka needs, or fails with one sentence on what to install."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from shared.errors import PermanentError

OLDEST_JAVA = 17
"""Kafka 4 brokers need Java 17 (Kafka 4.0 upgrade notes)."""

_ALTERNATIVE = "or run the system with `docker compose up` instead"


def find_java() -> str:
    """Return the path of the real `java`; raises `PermanentError` when it is missing or too old."""
    # JAVA_HOME wins over the PATH, as with Java's own tools.
    configured = Path(os.environ.get("JAVA_HOME") or "/nonexistent") / "bin" / "java"
    launcher = str(configured) if configured.is_file() else shutil.which("java")
    if launcher is None:
        raise PermanentError(f"Apache Kafka needs Java {OLDEST_JAVA} or newer and there is none: {_advice()}")
    command = [launcher, "-XshowSettings:properties", "-version"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 (java's own)
    properties = dict(re.findall(r"^\s+(java\.\S+) = (.*)$", result.stderr + result.stdout, re.MULTILINE))
    # Java 8 calls its specification version 1.8, which is no whole number and too old anyway.
    version = properties.get("java.specification.version", "unknown")
    if not version.isdigit() or int(version) < OLDEST_JAVA:
        found = f"{launcher} is version {version}"
        raise PermanentError(f"Apache Kafka needs Java {OLDEST_JAVA} or newer and {found}: {_advice()}")
    # Behind any shim of a version manager: signals sent to a shim do not reach the server.
    return str(Path(properties["java.home"]) / "bin" / "java")


def find_maven() -> str:
    """Return the path of `mvn`; raises `PermanentError` when it is missing."""
    maven = shutil.which("mvn")
    if maven is None:
        raise PermanentError(
            "Apache Kafka is fetched with Maven and there is no `mvn` on the PATH: "
            f"install Maven 3.6 or newer (package maven), {_ALTERNATIVE}"
        )
    return maven


def _advice() -> str:
    return f"install one (for example package openjdk-{OLDEST_JAVA}-jre-headless), {_ALTERNATIVE}"
