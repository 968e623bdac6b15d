"""Checks the invariants of the whole system from outside, and reports each fault in one sentence."""

# What must hold after every round, once everything that travels has arrived:
#
#   psa          every agreement line holds what the ledger says
#   writes       every approval that changed a line is one effective write, and there are no others
#   decisions    each is listed, announced, commanded and answered; none is refused
#   mappings     matcher stores what it published last
#   audit        the exported chain verifies, and holds each decision, on mappings too, and each result once
#   lines        stored lines equal the pure fold of the topics, and what was published last equals the stored
#   dead letters none, and no outbox row, work item or dirty key is left
#   runs         every run is reconciled and complete, but one that was overtaken by connecting again
#
# Nothing is asked of the product that the product could get wrong in the same way twice: the ledger comes
# from what the test did, the fold from the topics, the PSA's lines from the sandbox.

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from expected_lines import expected_usage_lines
from month import ScriptedMonth
from pydantic import SecretStr
from topics import TopicContents, read_topics

from billing.audit.chain import verify
from billing.usage.calendar import TenantCalendar
from shared.contracts.billing import ApprovalRecorded, UsageLineChanged
from shared.contracts.matcher import MappingDecided
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten, WriteQuantity
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings, RedisSettings
from shared.status_channel import StatusChannel
from standalone.demo.client import Json
from standalone.services import SERVICES
from standalone.system import System

_WITH_DATABASE = tuple(name for name in SERVICES if name != "console")
_EMPTIED = {name: ["outbox"] for name in _WITH_DATABASE} | {
    name: ["outbox", "work_items"] for name in ("billing", "matcher", "psa-sync", "vendor-sync")
}
_CONNECTED_ANEW = "connected anew"
"""The reason of a run whose integration was connected once more, because the first answer was lost."""


@dataclass(frozen=True, slots=True)
class InvariantChecker:
    """Reads all stores, topics and APIs of the system, and the ledger of the month."""

    system: System
    month: ScriptedMonth

    async def faults(self) -> list[str]:
        """Return every fault found now; what is still on its way makes faults that vanish within moments."""
        contents = await read_topics(self.system.servers.kafka)
        return [
            *await self._psa(),
            *await self._writes(),
            *await self._decisions(contents),
            *await self._mappings(contents),
            *await self._audit(contents),
            *await self._lines(contents),
            *(f"set aside: {dict(letter.headers)}" for letter in contents.dead_letters),
            *await self._left_over(),
            *await self._runs(),
        ]

    async def status_faults(self) -> list[str]:
        """Return faults of the status channel, which must show each integration's newest run and outcome."""
        channel = StatusChannel(RedisSettings(url=SecretStr(self.system.servers.redis_url)))
        shown = await channel.snapshot(self.system.credentials.tenant_id)
        await channel.close()
        newest = {run["integration_id"]: run for run in reversed(await self.month.runs())}
        return [
            f"the status channel shows {shown.get(id_)!r} for run {run['run_id']} ({run['verdict']})"
            for id_, run in newest.items()
            if id_ not in shown or (shown[id_].run_id, shown[id_].outcome) != (run["run_id"], run["verdict"])
        ]

    async def _psa(self) -> list[str]:
        rows = await self.month.control("GET", "additions")
        held = {str(row["id"]): Decimal(str(row["quantity"])) for row in rows}
        expected = self.month.ledger.billed
        return [
            f"agreement line {line} must hold {expected.get(line)} and holds {held.get(line)}"
            for line in sorted(held.keys() | expected.keys())
            if held.get(line) != expected.get(line)
        ]

    async def _writes(self) -> list[str]:
        made: dict[str, list[Decimal]] = {}
        for row in (await self.month.control("GET", "writes"))["writes"]:
            made.setdefault(str(row["line_id"]), []).append(Decimal(str(row["after"])))
        expected = self.month.ledger.writes
        return [
            f"agreement line {line} was written {made.get(line)}, {expected.get(line)} was approved"
            for line in sorted(made.keys() | expected.keys())
            if made.get(line) != expected.get(line)
        ]

    async def _decisions(self, contents: TopicContents) -> list[str]:
        # Messages may be published twice: of these only the approvals that they name are counted.
        decided = Counter(decision.approval_id for decision in self.month.ledger.decisions)
        listed = await self.month.client.list_all("billing", "/approvals", "approvals")
        named = {"listed": Counter(approval["approval_id"] for approval in listed)}
        named["announced"] = Counter({message.approval_id for message in contents.of(ApprovalRecorded)})
        named["commanded"] = Counter({message.approval_id for message in contents.of(WriteQuantity)})
        named["answered"] = Counter({message.approval_id for message in contents.of(QuantityWritten)})
        refused = [f"refused: {refusal}" for refusal in contents.of(QuantityRefused)]
        return refused + [
            f"decisions {what}: {found - decided} too many, {decided - found} missing"
            for what, found in named.items()
            if found != decided
        ]

    async def _mappings(self, contents: TopicContents) -> list[str]:
        # What was published last is what the lines are checked against, so it must be what is stored.
        published = {
            (mapping.kind.value, mapping.vendor_id): mapping.revision
            for mapping in contents.newest(MappingDecided)
        }
        rows = await self.month.client.list_all("matcher", "/mappings", "mappings")
        stored = {(row["kind"], row["vendor_id"]): row["revision"] for row in rows}
        return (
            [f"mappings stored, or published: {published.items() ^ stored.items()}"]
            if published != stored
            else []
        )

    async def _audit(self, contents: TopicContents) -> list[str]:
        lines, head = await self.month.client.export_audit()
        verdict = verify(lines, head=head)
        if not verdict.intact:
            return [f"the audit log does not verify: {verdict.problem}"]
        all_entries: list[Json] = [json.loads(line) for line in lines]
        entries = [entry for entry in all_entries if not entry["action"].startswith("mapping.")]
        of_mappings = [entry for entry in all_entries if entry["action"].startswith("mapping.")]
        found = Counter(f"{entry['action']} {entry['subject']}" for entry in entries)
        subjects = [f"approval:{decision.approval_id}" for decision in self.month.ledger.decisions]
        expected = Counter(f"{action} {subject}" for subject in subjects for action in _ACTIONS)
        return _mapping_entry_faults(of_mappings, contents.of(MappingDecided)) + [
            f"the audit log tells {count} times of {what}, not {expected[what]} times"
            for what, count in (found | Counter(dict.fromkeys(expected, 0))).items()
            if found[what] != expected[what]
        ]

    async def _lines(self, contents: TopicContents) -> list[str]:
        tenant = TenantCalendar(id=self.system.credentials.tenant_id, currency="USD")
        expected = expected_usage_lines(contents, tenant)
        shown = {line["line_id"]: line for line in await self.month.story.review()}
        published = {line.line_id: line for line in contents.newest(UsageLineChanged) if line.present}
        return [*_fold_faults(expected, shown), *_publication_faults(shown, published)]

    async def _left_over(self) -> list[str]:
        """Return a fault for each collection in which work is left, by database."""
        faults = []
        for service, collections in _EMPTIED.items():
            url = SecretStr(self.system.servers.mongo_url)
            mongo = Mongo(MongoSettings(url=url, database=service))
            counts = {name: await mongo.all_tenants(name).count({}) for name in collections}
            await mongo.close()
            faults += [f"{service}: {count} left in {name}" for name, count in counts.items() if count]
        return faults

    async def _runs(self) -> list[str]:
        return [
            f"run {run['run_id']} is {run['state']}, {run['outcome']} ({run['reason']}) and {run['verdict']}"
            for run in await self.month.runs()
            if (run["state"], run["verdict"]) != ("reconciled", "complete")
            and not str(run["reason"]).endswith(_CONNECTED_ANEW)
        ]


def _mapping_entry_faults(entries: Iterable[Json], published: Iterable[MappingDecided]) -> list[str]:
    """Return a fault for each decision on a mapping that the audit log does not tell of exactly once."""
    told = Counter((entry["subject"], entry["details"]["revision"]) for entry in entries)
    decided = {(f"mapping:{mapping.key}", mapping.revision) for mapping in published}
    return [
        f"the audit log tells {told[one]} times of {one[0]} at revision {one[1]}, not once"
        for one in sorted(decided | told.keys())
        if told[one] != 1
    ]


_STORED_ONLY = {"changed_at", "in_flight", "being_read", "collision"}
"""Fields of a stored line that do not follow from the topics."""
_ACTIONS = ("approval.recorded", "quantity.written")


def _fold_faults(expected: dict[str, Any], shown: dict[str, Json]) -> Iterator[str]:
    for line_id in sorted(expected.keys() | shown.keys()):
        if line_id not in expected or line_id not in shown:
            where = "stored, but not in the fold" if line_id in shown else "in the fold, but not stored"
            yield f"usage line {line_id} is {where}: {shown.get(line_id) or expected[line_id]}"
            continue
        folded = expected[line_id].model_dump(mode="json")
        wrong = {
            name: (folded[name], value)
            for name, value in shown[line_id].items()
            if name not in _STORED_ONLY and folded[name] != value
        }
        if wrong:
            yield f"usage line {line_id}, as folded and as stored: {wrong}"


def _publication_faults(shown: dict[str, Json], published: dict[str, UsageLineChanged]) -> Iterator[str]:
    """Yield a fault for each line about which a consumer of the topic knows something else than the store."""
    for line_id in sorted(shown.keys() | published.keys()):
        event = published[line_id].model_dump(mode="json") if line_id in published else None
        announced, stored = _comparable(event), _comparable(shown.get(line_id))
        if announced != stored:
            yield f"usage line {line_id}: published last was {announced}, stored is {stored}"


def _comparable(line: Json | None) -> Json | None:
    if line is None:
        return None
    # `as_of` moves when a number is confirmed once more, which is not published.
    counts = {side: line[side] | {"as_of": None} for side in ("vendor_count", "psa_count")}
    return counts | {name: line[name] for name in ("line_class", "reason", "money")}
