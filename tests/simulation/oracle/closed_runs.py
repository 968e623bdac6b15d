"""(c): when billing closes a run as complete, every observation that its manifests name is stored."""

import json
from collections.abc import Sequence
from typing import Any

from shared.contracts.base import key_of
from tests.simulation.log import Log
from tests.simulation.oracle.violation import Violation
from tests.simulation.store.database import Database, Written

_KINDS = {"vendor-sync.account-read.v1": "subscriptions", "psa-sync.account-read.v1": "agreement_lines"}
Manifest = dict[str, Any]


class ClosedRuns:
    """Looks at every run in the moment in which billing closes it."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log
        self.closed_complete = 0

    def on_commit(self, written: Sequence[Written]) -> None:
        for one in written:
            if one.collection != "runs" or one.after is None or one.before is None:
                continue
            is_closed = one.before["state"] == "heard" and one.after["state"] == "closed"
            is_closed &= not self._is_rejected(one.after["run_id"])
            if is_closed and one.after["verdict"] == "complete":
                self.closed_complete += 1
                self._check(one.after["run_id"])

    def _is_rejected(self, run_id: str) -> bool:
        """Tells whether a person rejected the run: nothing of it counts, and nothing of it is waited for."""
        holds = self._database.documents("feed_runs")
        return any(hold["run_id"] == run_id and hold.get("state") == "rejected" for hold in holds)

    def _check(self, run_id: str) -> None:
        for topic, kind in _KINDS.items():
            for manifest in self._newest(topic):
                if manifest["run_id"] != run_id:
                    continue
                for thing in manifest["things"]:
                    if not self._is_stored(kind, manifest, thing["id"], thing["revision"]):
                        raise Violation(
                            "c", f"{run_id} is complete without {thing} of {manifest['account_id']}"
                        )

    def _newest(self, topic: str) -> list[Manifest]:
        """The parts of the newest manifest of each account."""
        newest: dict[str, int] = {}
        parts: list[Manifest] = [json.loads(record.value) for record in self._log.of_topic(topic)]
        for part in parts:
            newest[part["account_id"]] = max(newest.get(part["account_id"], 0), part["revision"])
        return [part for part in parts if part["revision"] == newest[part["account_id"]]]

    def _is_stored(self, kind: str, manifest: Manifest, id_: str, revision: int) -> bool:
        key = key_of(manifest["tenant_id"], manifest["integration_id"], id_)
        row = self._database.collection(kind).get(key)
        if row is not None and row.document["revision"] == revision:
            return True
        return f"{kind}/{key}@{revision}" in self._database.collection("observations")
