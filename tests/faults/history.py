"""Records what was done and when, one JSON object a line: calls by their outcome, and every kill."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class History:
    """An operation log in Jepsen's manner; each line is on disk before the next thing happens."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Line-buffered: a run that is killed leaves every line that it had written.
        self.path, self._file = path, path.open("w", encoding="utf-8", buffering=1)
        self._started, self.round = time.monotonic(), 0
        self.kill_counts: Counter[str] = Counter()
        """How often each process was killed."""
        self._kills: list[tuple[int, str]] = []

    def record(self, kind: str, what: str, **more: Any) -> None:
        """Write a line; `kind` is invoke, then ok, fail (not done) or info (unknown); kill, ready, round."""
        after = round(time.monotonic() - self._started, 3)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"at": at, "after": after, "round": self.round, "kind": kind, "what": what, **more}
        self._file.write(json.dumps(row, default=str) + "\n")
        if kind == "kill":
            self.kill_counts[what] += 1
            self._kills.append((self.round, what))

    def kills_in(self, number: int) -> list[str]:
        """Return what was killed in that round, in order."""
        return [what for round_number, what in self._kills if round_number == number]

    def close(self) -> None:
        self._file.close()
