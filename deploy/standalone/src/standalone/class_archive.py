"""Records which classes Kafka loads at start: Java then maps them, and starts it in half the time."""

# Without an archive everything works, only slower.  Java writes it when Kafka ends, so ending must not be cut
# short; it appears under its final name complete or not at all.

import secrets
import tempfile
from pathlib import Path

from standalone.data_dir import allocate_ports
from standalone.kafka import Kafka
from standalone.kafka_jars import CLASS_ARCHIVE, fetch_jars
from standalone.services import Servers, topics_step
from standalone.startup_order import Report, start_in_order, stop_in_order

_ARCHIVE_TIMEOUT_SECONDS = 60.0


async def record_class_archive(report: Report) -> None:
    """Fetch Kafka's jars and record their class archive, unless that has been done before."""
    jars = fetch_jars()
    if (jars / CLASS_ARCHIVE).exists():
        return
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix=".recording-") as directory:
        archive = Path(directory) / CLASS_ARCHIVE
        await _run_once(Path(directory), archive, report)
        if archive.exists():
            archive.rename(jars / CLASS_ARCHIVE)


async def _run_once(directory: Path, archive: Path, report: Report) -> None:
    ports = allocate_ports(directory, ("broker", "controller"))
    kafka = Kafka(directory, ports["broker"], ports["controller"], secrets.token_urlsafe(32), archive)
    # Creating the topics makes Kafka load the classes that it needs for work, not only those for starting.
    topics = topics_step(Servers(kafka.settings, "", ""), directory, after=("kafka",))
    processes = {process.name: process for process in (*kafka.processes(directory), topics)}
    processes["kafka"].stop_timeout_seconds = _ARCHIVE_TIMEOUT_SECONDS
    try:
        await start_in_order(processes, report)
    finally:
        await stop_in_order(processes)
