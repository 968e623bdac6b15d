"""Remembers what became of the manifests of each run, for closing it."""

# Invariant: a manifest that took effect, or that a later one overtook, is noted in the transaction that
# settles it. One that came in vain (refused, or void) is noted with the reason, and counts for its run only
# once a newer manifest of its account has taken effect.
#
#   run r1, acme: nth 2 applied → 2        run r1, beta: void at r50 → 0, and 1 once beta's counts as of r60

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from billing.observations.manifest_parts import Part
from billing.observations.manifests import ManifestDecision
from billing.usage.manifest_reader import HEADERS, PARTS, header_id
from billing.usage.ref import Ref
from shared.contracts.base import key_of, utc
from shared.mongo import Change, Document, Index, Mongo, Session, Update
from shared.runtime.clock import Clock

_RECEIPTS = "manifest_receipts"
_RECEIPT_LIFE = timedelta(days=40)
"""Longer than any run can take."""
_CONTENT = ("ref", "revision", "things")
_UNSTORED = "what its manifest names has not arrived"
_INCOMPLETE = "a part of its manifest has not arrived"

RECEIPT_INDEXES = (
    Index(_RECEIPTS, [("run", 1)]),
    Index(_RECEIPTS, [("at", 1)], ttl=_RECEIPT_LIFE),
)


class AppliedCount(NamedTuple):
    """How far the manifests of a run have come."""

    manifests: int
    went_back: bool
    """Whether one of them shows that the sync service has forgotten what it published."""


class ManifestReceipts:
    """Keeps one receipt for each account of each run."""

    def __init__(self, mongo: Mongo, *, clock: Clock) -> None:
        self._mongo, self._clock = mongo, clock

    async def note(self, tenant_id: str, decisions: Iterable[ManifestDecision], *, session: Session) -> None:
        """Notes what these decisions settle."""
        changes: list[Change] = []
        for decision in decisions:
            effective = [decision.effective] if decision.effective else []
            for manifest in [*decision.overtaken, *effective]:
                went_back = manifest.revision in decision.went_back
                changes.append(self._settled(tenant_id, manifest.parts[0], went_back=went_back))
            changes += [self._in_vain(tenant_id, one.parts[0], why) for one, why in decision.in_vain]
        await self._mongo.documents(_RECEIPTS, tenant_id).bulk(changes, session=session)

    async def note_refused(self, tenant_id: str, part: Part, reason: str) -> None:
        """Notes that a part was refused as it came: its manifest will not take effect."""
        await self._mongo.documents(_RECEIPTS, tenant_id).bulk([self._in_vain(tenant_id, part, reason)])

    async def applied(self, tenant_id: str, integration_id: str, run_id: str) -> AppliedCount:
        """Returns how many manifests of a run were applied or overtaken, as its run-finished counts them."""
        rows = await self._of_run(tenant_id, integration_id, run_id)
        overtaken = await self._overtaken(tenant_id, rows)
        counted = [row["in_vain"]["nth"] if row["_id"] in overtaken else row.get("nth", 0) for row in rows]
        return AppliedCount(sum(counted), any(row.get("went_back") for row in rows))

    async def unapplied(self, tenant_id: str, integration_id: str, run_id: str) -> dict[str, str]:
        """Returns why accounts do not count of which a manifest of the run has come, by account id."""
        of_run = {"integration_id": integration_id, "run_id": run_id, "due_at": {"$type": "date"}}
        parts = self._mongo.documents(PARTS, tenant_id)
        waiting = await parts.find(of_run, fields=["ref", "revision", "parts"])
        arrived = Counter((part["ref"], part["revision"]) for part in waiting)
        reasons = {
            part["ref"]: _UNSTORED if arrived[part["ref"], part["revision"]] == part["parts"] else _INCOMPLETE
            for part in waiting
        }
        rows = await self._of_run(tenant_id, integration_id, run_id)
        overtaken = await self._overtaken(tenant_id, rows)
        for row in rows:
            if _came_in_vain(row) and row["_id"] not in overtaken:
                reasons[row["in_vain"]["ref"]] = row["in_vain"]["reason"]
        return {Ref.decode(ref).id: reason for ref, reason in sorted(reasons.items())}

    async def forgotten(
        self, tenant_id: str, integration_id: str, run_id: str, first_revision: int
    ) -> list[Ref]:
        """Returns the accounts that hold something by an older manifest, and have none of this run.

        A full run that is complete names every account that held something.
        """
        older = {"integration_id": integration_id, "current.revision": {"$lt": first_revision}}
        headers = await self._mongo.documents(HEADERS, tenant_id).find(
            older, fields=["ref", "current.revision"]
        )
        received = {row["_id"] for row in await self._of_run(tenant_id, integration_id, run_id)}
        run = key_of(tenant_id, integration_id, run_id)
        unnamed = {
            row["ref"]: row["current"]["revision"] for row in headers if f"{run}/{row['ref']}" not in received
        }
        parts = await self._mongo.documents(PARTS, tenant_id).find_in("ref", unnamed, fields=_CONTENT)
        hold = {part["ref"] for part in parts if part["things"] and part["revision"] == unnamed[part["ref"]]}
        return [Ref.decode(ref) for ref in sorted(hold)]

    async def silent(self, tenant_id: str, integration_id: str, run_id: str) -> list[str]:
        """Returns the ids of the accounts that are there, and of which no manifest of the run has come."""
        of_integration = {"integration_id": integration_id}
        run = of_integration | {"run_id": run_id}
        refs = set(await self._mongo.documents(PARTS, tenant_id).distinct("ref", run))
        key = key_of(tenant_id, integration_id, run_id)
        heard = {row["_id"] for row in await self._of_run(tenant_id, integration_id, run_id)}
        heard |= {f"{key}/{ref}" for ref in refs}
        silent = set[str]()
        for name in ("vendor_accounts", "psa_accounts"):
            present = of_integration | {"present": True}
            for row in await self._mongo.documents(name, tenant_id).find(present, fields=["ref"]):
                if f"{key}/{row['ref']}" not in heard:
                    silent.add(Ref.decode(row["ref"]).id)
        return sorted(silent)

    async def _of_run(self, tenant_id: str, integration_id: str, run_id: str) -> list[Document]:
        run = key_of(tenant_id, integration_id, run_id)
        return await self._mongo.documents(_RECEIPTS, tenant_id).find({"run": run})

    async def _overtaken(self, tenant_id: str, rows: Iterable[Document]) -> set[str]:
        """The ids of those of these receipts whose account counts by a newer manifest than came in vain."""
        in_vain = {row["_id"]: row["in_vain"] for row in rows if _came_in_vain(row)}
        headers = await self._mongo.documents(HEADERS, tenant_id).get_many(
            {header_id(tenant_id, Ref.decode(one["ref"])) for one in in_vain.values()},
            fields=["current.revision"],
        )
        return {
            id_
            for id_, one in in_vain.items()
            if (row := headers.get(header_id(tenant_id, Ref.decode(one["ref"]))))
            and row["current"]["revision"] > one["revision"]
        }

    def _settled(self, tenant_id: str, part: Part, *, went_back: bool) -> Update:
        update = self._receipt(tenant_id, part, {"went_back": True} if went_back else {})
        return Update(update.filter, {**update.update, "$max": {"nth": part["nth"]}}, upsert=True)

    def _in_vain(self, tenant_id: str, part: Part, reason: str) -> Update:
        fields = {name: part[name] for name in ("ref", "nth", "revision")} | {"reason": reason}
        return self._receipt(tenant_id, part, {"in_vain": fields})

    def _receipt(self, tenant_id: str, part: Part, fields: Mapping[str, object]) -> Update:
        run = key_of(tenant_id, part["integration_id"], part["run_id"])
        told = {"run": run, "at": utc(self._clock()), **fields}
        return Update({"_id": f"{run}/{part['ref']}"}, {"$set": told}, upsert=True)


def _came_in_vain(row: Document) -> bool:
    """Whether a manifest came in vain after the last one of the account that was settled in this run."""
    return "in_vain" in row and bool(row["in_vain"]["nth"] > row.get("nth", 0))
