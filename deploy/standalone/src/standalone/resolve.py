"""Fetches Apache Kafka with Maven, once for each state of the `pom.xml`."""

import shutil
import subprocess
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from shared.errors import PermanentError
from standalone.java import find_maven

_MEMBER = Path(__file__).resolve().parents[2]
_POM = _MEMBER / "pom.xml"
_TOOLS = _MEMBER.parents[1] / ".tools" / "kafka"
_PATIENCE = 900.0

CLASSES = "classes.jsa"
"""Beside the jars: the classes that Kafka loads, once they are recorded."""

LOGGING = _MEMBER / "kafka" / "log4j2.properties"
"""What Kafka writes to its log."""


def resolve(tools: Path = _TOOLS) -> Path:
    """The folder with Kafka's jars, fetched if it is not there.

    It is named after the pom's content and appears complete or not at all, so several may ask at once.
    Raises `PermanentError` when Maven is missing or fails.
    """
    ready = tools / sha256(_POM.read_bytes()).hexdigest()[:12]
    if not ready.exists():
        tools.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tools, prefix=".fetching-") as fetching:
            _fetch(find_maven(), Path(fetching) / "jars")
            with suppress(OSError):  # somebody else was quicker: theirs is as good
                (Path(fetching) / "jars").rename(ready)
    return ready


def _fetch(maven: str, into: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    command = [maven, "--quiet", "--batch-mode", "--strict-checksums", "--file", str(_POM), *goal]
    try:
        told = subprocess.run(  # noqa: S603  the launcher's own command
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise PermanentError(f"Maven has not fetched Apache Kafka in {_PATIENCE:g} s: try again") from None
    if told.returncode or not any(into.glob("kafka_*.jar")):
        shutil.rmtree(into, ignore_errors=True)
        reason = (told.stdout + told.stderr).strip() or f"it ended with code {told.returncode}"
        raise PermanentError(f"Maven could not fetch Apache Kafka: {reason}")
