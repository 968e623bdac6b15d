"""What was done and when, one JSON object a line: calls as invoke, ok, fail or info, and every kill."""

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
        self.path, self._file = path, path.open("w", encoding="utf-8", buffering=1)
        self._began, self.round = time.monotonic(), 0
        self.killed: Counter[str] = Counter()
        """How often each part was killed."""
        self._order: list[tuple[int, str]] = []

    def note(self, kind: str, what: str, **more: Any) -> None:
        """`kind`: invoke, then ok, fail (it was not done) or info (not known); or kill, ready, round."""
        after = round(time.monotonic() - self._began, 3)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"at": at, "after": after, "round": self.round, "kind": kind, "what": what, **more}
        self._file.write(json.dumps(row, default=str) + "\n")
        if kind == "kill":
            self.killed[what] += 1
            self._order.append((self.round, what))

    def killed_in(self, number: int) -> list[str]:
        """What was killed in that round, in order."""
        return [what for place, what in self._order if place == number]

    def close(self) -> None:
        self._file.close()
