"""Named crash points: a process dies at exactly the moment that a test is about.

Inert unless `TRUEUP_CRASH_AT` names a point, or `@` and a file that will name one; refused, with exit code 2,
outside a test setting.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

POINTS = {
    "observation-published": "published, not yet remembered as clean",
    "detail-observed": "a detail's news are clean, its to-do item is not yet done",
    "manifest-published": "an account's manifest is acknowledged, and not yet recorded",
    "decision-committed": "an approval is committed, the relay has not been woken",
    "mapping-decided": "decisions on mappings are committed, whoever made them has no answer yet",
    "outbox-sent": "the relay has sent, and not yet removed what it sent",
    "intent-stored": "a write's intent is stored, its command not yet committed",
    "patch-answered": "the PSA has taken the write, its answer is not yet stored",
    "answer-stored": "the answer is stored, the line not yet read back",
    "batch-stored": "a batch is stored, its offset not yet committed",
}
"""Each point, and what is done and not yet done there."""

_ALLOWED = "TRUEUP_TEST_CRASHES"

_armed: list[str | Path] = []
"""The point, or the file that names it as soon as it is there."""


def arm() -> None:
    """Reads the environment, once, as the process starts; exits with code 2 and one line if it is wrong."""
    wanted = os.environ.get("TRUEUP_CRASH_AT")
    if wanted is None:
        return
    if os.environ.get(_ALLOWED) != "yes":
        _refuse(f"TRUEUP_CRASH_AT is for tests: unset it, or set {_ALLOWED}=yes")
    if wanted.startswith("@"):
        _armed.append(Path(wanted[1:]))
        return
    if wanted.partition(" ")[0] not in POINTS:
        _refuse(f"TRUEUP_CRASH_AT names {wanted!r}: it can be @ and a file, or {', '.join(POINTS)}")
    _armed.append(wanted)


def reached(point: str, about: str = "") -> None:
    """Dies here, as by `kill -9`, if this point is the armed one; `about` narrows it, to a topic say."""
    if _armed and (wanted := _wanted()) in (point, f"{point} {about}"):
        os.write(2, f"crash point reached: {wanted}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


def _wanted() -> str:
    [source] = _armed
    if isinstance(source, str):
        return source
    with suppress(FileNotFoundError):
        return source.read_text("utf-8")
    return ""


def _refuse(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201  before any log is set up
    raise SystemExit(2)
