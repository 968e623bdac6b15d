"""Fetches Apache Kafka with Maven, once for each state of the `pom.xml`."""

# The directory is named after the pom's content, so a changed pom is fetched anew and an old launcher still
# finds its own jars.  It appears complete or not at all, by one rename, so several launchers may fetch at the
# same time: the first rename wins, and the others' jars are as good.

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
_MAVEN_TIMEOUT_SECONDS = 900.0

CLASS_ARCHIVE = "classes.jsa"
"""File beside the jars: the classes that Kafka loads, once they are recorded."""

LOGGING = _MEMBER / "kafka" / "log4j2.properties"
"""Configures what Kafka writes to its log."""


def fetch_jars(tools: Path = _TOOLS) -> Path:
    """Return the directory with Kafka's jars, after fetching them if they are not there.

    Raises `PermanentError` when Maven is missing or fails.
    """
    jars = tools / sha256(_POM.read_bytes()).hexdigest()[:12]
    if not jars.exists():
        tools.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tools, prefix=".fetching-") as temporary:
            _fetch(find_maven(), Path(temporary) / "jars")
            with suppress(OSError):  # another launcher was quicker
                (Path(temporary) / "jars").rename(jars)
    return jars


def _fetch(maven: str, into: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    command = [maven, "--quiet", "--batch-mode", "--strict-checksums", "--file", str(_POM), *goal]
    try:
        result = subprocess.run(  # noqa: S603  the launcher's own command
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_MAVEN_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise PermanentError(
            f"Maven has not fetched Apache Kafka in {_MAVEN_TIMEOUT_SECONDS:g} s: try again"
        ) from None
    # Maven may end with code 0 and have copied nothing: the broker's own jar is the proof.
    if result.returncode or not any(into.glob("kafka_*.jar")):
        shutil.rmtree(into, ignore_errors=True)
        reason = (result.stdout + result.stderr).strip() or f"it ended with code {result.returncode}"
        raise PermanentError(f"Maven could not fetch Apache Kafka: {reason}")
