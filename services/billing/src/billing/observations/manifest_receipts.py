"""Remembers what became of the manifests of each run, for closing it."""

# Invariant: a manifest that took effect, or that a later one overtook, is noted in the transaction that
# settles it. One that came in vain (refused, void, or of a connection that was replaced) is noted with the
# reason, and counts for its run only once a newer manifest of its account has taken effect.
#
#   run r1, acme: nth 2 applied → 2        run r1, beta: void at r50 → 0, and 1 once beta's counts as of r60
#
# A row tells of many accounts of one run, as they were settled together, and is never changed: an account's
# receipt is what all rows of the run tell of it.

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from billing.observations.manifest_arrivals import ManifestArrivals
from billing.observations.manifest_parts import Part
from billing.observations.manifests import ManifestDecision
from billing.observations.waiting_parts import waiting_parts
from billing.usage.manifest_reader import HEADERS, PARTS, header_id
from billing.usage.ref import Ref
from shared.contracts.base import key_of, utc
from shared.mongo import Document, Index, Mongo, Session
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


class _InVain(NamedTuple):
    """A manifest that will not take effect."""

    nth: int
    revision: int
    reason: str


@dataclass(slots=True)
class _Receipt:
    """What became of the manifests of one account in one run."""

    nth: int = 0
    """Of the last one that took effect, or was overtaken."""
    went_back: bool = False
    last_in_vain: _InVain | None = None

    @property
    def in_vain(self) -> _InVain | None:
        """The manifest that came in vain after the last one that was settled."""
        one = self.last_in_vain
        return one if one and one.nth > self.nth else None


class ManifestReceipts:
    """Keeps what became of the manifests of each account of each run."""

    def __init__(self, mongo: Mongo, arrivals: ManifestArrivals, *, clock: Clock) -> None:
        self._mongo, self._arrivals, self._clock = mongo, arrivals, clock

    async def note(self, tenant_id: str, decisions: Iterable[ManifestDecision], *, session: Session) -> None:
        """Notes what these decisions settle."""
        rows: dict[str, Document] = {}
        for decision in decisions:
            effective = [decision.effective] if decision.effective else []
            for manifest in [*decision.overtaken, *effective]:
                part, went_back = manifest.parts[0], manifest.revision in decision.went_back
                self._row(rows, tenant_id, part)["settled"].append([part["ref"], part["nth"], went_back])
            for manifest, reason in decision.in_vain:
                part = manifest.parts[0]
                self._row(rows, tenant_id, part)["in_vain"].append(_in_vain(part, reason))
        await self._mongo.documents(_RECEIPTS, tenant_id).insert_many(rows.values(), session=session)

    async def note_refused(self, tenant_id: str, part: Part, reason: str) -> None:
        """Notes that a part was refused as it came: its manifest will not take effect."""
        row = self._row({}, tenant_id, part)
        row["in_vain"].append(_in_vain(part, reason))
        await self._mongo.documents(_RECEIPTS, tenant_id).insert_new([row])

    async def applied(self, tenant_id: str, integration_id: str, run_id: str) -> AppliedCount:
        """Returns how many manifests of a run were applied or overtaken, as its run-finished counts them."""
        receipts = await self._of_run(tenant_id, integration_id, run_id)
        overtaken = await self._overtaken(tenant_id, receipts)
        counted = [overtaken[ref].nth if ref in overtaken else one.nth for ref, one in receipts.items()]
        return AppliedCount(sum(counted), any(one.went_back for one in receipts.values()))

    async def unapplied(self, tenant_id: str, integration_id: str, run_id: str) -> dict[str, str]:
        """Returns why accounts do not count of which a manifest of the run has come, by account id."""
        waiting = await self._waiting(tenant_id, integration_id, run_id)
        arrived = Counter((part["ref"], part["revision"]) for part in waiting)
        reasons = {
            part["ref"]: _UNSTORED if arrived[part["ref"], part["revision"]] == part["parts"] else _INCOMPLETE
            for part in waiting
        }
        receipts = await self._of_run(tenant_id, integration_id, run_id)
        overtaken = await self._overtaken(tenant_id, receipts)
        for ref, receipt in receipts.items():
            if receipt.in_vain and ref not in overtaken:
                reasons[ref] = receipt.in_vain.reason
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
        received = await self._of_run(tenant_id, integration_id, run_id)
        unnamed = {row["ref"]: row["current"]["revision"] for row in headers if row["ref"] not in received}
        parts = await self._mongo.documents(PARTS, tenant_id).find_in("ref", unnamed, fields=_CONTENT)
        hold = {part["ref"] for part in parts if part["things"] and part["revision"] == unnamed[part["ref"]]}
        return [Ref.decode(ref) for ref in sorted(hold)]

    async def silent(self, tenant_id: str, integration_id: str, run_id: str) -> list[str]:
        """Returns the ids of the accounts that are there, and of which no manifest of the run has come."""
        heard = {part["ref"] for part in await self._waiting(tenant_id, integration_id, run_id)}
        heard |= (await self._of_run(tenant_id, integration_id, run_id)).keys()
        present, silent = {"integration_id": integration_id, "present": True}, set[str]()
        for name in ("vendor_accounts", "psa_accounts"):
            for row in await self._mongo.documents(name, tenant_id).find(present, fields=["ref"]):
                if row["ref"] not in heard:
                    silent.add(Ref.decode(row["ref"]).id)
        return sorted(silent)

    async def _waiting(self, tenant_id: str, integration_id: str, run_id: str) -> list[Document]:
        """Returns the parts of a run's manifests that wait."""
        accounts = await self._arrivals.unsettled(tenant_id)
        of_run = {"integration_id": integration_id, "run_id": run_id}
        return await waiting_parts(self._mongo, tenant_id, accounts, where=of_run)

    async def _of_run(self, tenant_id: str, integration_id: str, run_id: str) -> dict[str, _Receipt]:
        """Returns the receipts of a run, by account (encoded ref)."""
        run = key_of(tenant_id, integration_id, run_id)
        receipts = defaultdict[str, _Receipt](_Receipt)
        for row in await self._mongo.documents(_RECEIPTS, tenant_id).find({"run": run}):
            if "settled" not in row:
                continue  # of an earlier build: the runs that were open then close as partial
            for ref, nth, went_back in row["settled"]:
                receipt = receipts[ref]
                receipt.nth, receipt.went_back = max(receipt.nth, nth), receipt.went_back or went_back
            for ref, *told in row["in_vain"]:
                last, one = receipts[ref].last_in_vain, _InVain(*told)
                receipts[ref].last_in_vain = max(last, one) if last else one
        return receipts

    async def _overtaken(self, tenant_id: str, receipts: Mapping[str, _Receipt]) -> dict[str, _InVain]:
        """What came in vain of accounts that count by a newer manifest, by account (encoded ref)."""
        in_vain = {ref: one.in_vain for ref, one in receipts.items() if one.in_vain}
        ids = {header_id(tenant_id, Ref.decode(ref)): ref for ref in in_vain}
        headers = await self._mongo.documents(HEADERS, tenant_id).get_many(ids, fields=["current.revision"])
        return {
            ref: in_vain[ref]
            for id_, ref in ids.items()
            if id_ in headers and headers[id_]["current"]["revision"] > in_vain[ref].revision
        }

    def _row(self, rows: dict[str, Document], tenant_id: str, part: Part) -> Document:
        """The row of the part's run, among these or new."""
        run = key_of(tenant_id, part["integration_id"], part["run_id"])
        if run not in rows:
            at = utc(self._clock())
            rows[run] = {"_id": uuid4().hex, "run": run, "at": at, "settled": [], "in_vain": []}
        return rows[run]


def _in_vain(part: Part, reason: str) -> list[object]:
    return [part["ref"], *_InVain(part["nth"], part["revision"], reason)]
