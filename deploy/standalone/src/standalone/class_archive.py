"""Records which classes Kafka loads at start: Java then maps them, and starts it in half the time."""

import tempfile
from pathlib import Path

from standalone.data_dir import ports
from standalone.kafka import Kafka
from standalone.resolve import CLASSES, resolve
from standalone.services import Servers, topics
from standalone.startup_order import Say, start_in_order, stop_in_order

_WRITING_TAKES = 60.0


async def record(say: Say) -> None:
    """Run Kafka once on data that is thrown away, unless that has been done; without a record all works."""
    libraries = resolve()
    if (libraries / CLASSES).exists():
        return
    with tempfile.TemporaryDirectory(dir=libraries.parent, prefix=".recording-") as place:
        recorded = Path(place) / CLASSES
        await _run_once(Path(place), recorded, say)
        if recorded.exists():
            recorded.rename(libraries / CLASSES)


async def _run_once(place: Path, recorded: Path, say: Say) -> None:
    at = ports(place, ("broker", "controller"))
    kafka = Kafka(place, at["broker"], at["controller"], recorded)
    steps = [*kafka.parts(place), topics(Servers(kafka.address, "", ""), place, after=("kafka",))]
    parts = {part.name: part for part in steps}
    parts["kafka"].grace = _WRITING_TAKES
    try:
        await start_in_order(parts, say)
    finally:
        await stop_in_order(parts)
