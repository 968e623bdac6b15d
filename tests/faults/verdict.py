"""Whether what must be so is so: asked of the real things, each fault one sentence."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from month import Month
from pydantic import SecretStr
from topics import Said, everything_said
from truth import usage_lines

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

_STORING = tuple(name for name in SERVICES if name != "console")
_EMPTY = {name: ["outbox"] for name in _STORING} | {"billing": ["outbox", "work_items"]}
_RENEWED = "connected anew"
"""What a run says whose integration was connected once more: the first answer was lost."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Looks at everything from outside."""

    system: System
    month: Month

    async def faults(self) -> list[str]:
        """What is not as it must be; what still travels may arrive within moments."""
        said = await everything_said(self.system.servers.kafka)
        return [
            *await self._psa(),
            *await self._writes(),
            *await self._decisions(said),
            *await self._mappings(said),
            *await self._audit(),
            *await self._lines(said),
            *(f"set aside: {dict(one.headers)}" for one in said.letters),
            *await self._left_over(),
            *await self._runs(),
        ]

    async def status_faults(self) -> list[str]:
        """Whether the status channel shows each integration's newest run with its outcome."""
        live = StatusChannel(RedisSettings(url=SecretStr(self.system.servers.redis_url)))
        shown = await live.snapshot(self.system.credentials.tenant_id)
        await live.close()
        newest = {run["integration_id"]: run for run in reversed(await self.month.runs())}
        return [
            f"the status channel shows {shown.get(place)!r} for run {run['run_id']} ({run['verdict']})"
            for place, run in newest.items()
            if place not in shown
            or (shown[place].run_id, shown[place].outcome) != (run["run_id"], run["verdict"])
        ]

    async def _psa(self) -> list[str]:
        rows = await self.month.control("GET", "additions")
        held = {str(row["id"]): Decimal(str(row["quantity"])) for row in rows}
        wanted = self.month.ledger.billed
        return [
            f"agreement line {line} must hold {wanted.get(line)} and holds {held.get(line)}"
            for line in sorted(held.keys() | wanted.keys())
            if held.get(line) != wanted.get(line)
        ]

    async def _writes(self) -> list[str]:
        """One effective write for each approval that changed anything, and no other call that writes."""
        made: dict[str, list[Decimal]] = {}
        for row in (await self.month.control("GET", "writes"))["writes"]:
            made.setdefault(str(row["line_id"]), []).append(Decimal(str(row["after"])))
        wanted = self.month.ledger.writes
        return [
            f"agreement line {line} was written {made.get(line)}, {wanted.get(line)} was approved"
            for line in sorted(made.keys() | wanted.keys())
            if made.get(line) != wanted.get(line)
        ]

    async def _decisions(self, said: Said) -> list[str]:
        """Messages may come twice, so of these only the approvals that they name are counted."""
        decided = Counter(one.approval_id for one in self.month.ledger.decisions)
        listed = await self.month.person.all("billing", "/approvals", "approvals")
        named = {"listed": Counter(one["approval_id"] for one in listed)}
        named["announced"] = Counter({one.approval_id for one in said.of(ApprovalRecorded)})
        named["commanded"] = Counter({one.approval_id for one in said.of(WriteQuantity)})
        named["answered"] = Counter({one.approval_id for one in said.of(QuantityWritten)})
        refused = [f"refused: {one}" for one in said.of(QuantityRefused)]
        return refused + [
            f"decisions {what}: {found - decided} too many, {decided - found} missing"
            for what, found in named.items()
            if found != decided
        ]

    async def _mappings(self, said: Said) -> list[str]:
        """What stands in matcher is what it said last; the latter is what the lines are judged by."""
        told = {(one.kind.value, one.vendor_id): one.revision for one in said.newest(MappingDecided)}
        rows = await self.month.person.all("matcher", "/mappings", "mappings")
        stored = {(row["kind"], row["vendor_id"]): row["revision"] for row in rows}
        return [f"mappings stored, or told: {told.items() ^ stored.items()}"] if told != stored else []

    async def _audit(self) -> list[str]:
        """The export proves itself, and holds each decision and each result once."""
        lines, head = await self.month.person.audit()
        verdict = verify(lines, head=head)
        if not verdict.intact:
            return [f"the audit log does not verify: {verdict.problem}"]
        found = Counter(_told(line) for line in lines)
        subjects = [f"approval:{one.approval_id}" for one in self.month.ledger.decisions]
        wanted = Counter(f"{action} {one}" for one in subjects for action in _ACTIONS)
        return [
            f"the audit log tells {count} times of {what}, not {wanted[what]} times"
            for what, count in (found | Counter(dict.fromkeys(wanted, 0))).items()
            if found[what] != wanted[what]
        ]

    async def _lines(self, said: Said) -> list[str]:
        tenant = TenantCalendar(id=self.system.credentials.tenant_id, currency="USD")
        truth = usage_lines(said, tenant)
        shown = {line["line_id"]: line for line in await self.month.story.review()}
        told = {one.line_id: one for one in said.newest(UsageLineChanged) if one.present}
        return [*_differences(truth, shown), *_untold(shown, told)]

    async def _left_over(self) -> list[str]:
        """What waits to be sent or seen to, by database."""
        faults = []
        for service, collections in _EMPTY.items():
            url = SecretStr(self.system.servers.mongo_url)
            mongo = Mongo(MongoSettings(url=url, database=service))
            counts = {name: await mongo.all_tenants(name).count({}) for name in collections}
            if service.endswith("-sync"):
                counts["dirty marks"] = await mongo.all_tenants("dirty").count({})
            await mongo.close()
            faults += [f"{service}: {count} left in {name}" for name, count in counts.items() if count]
        return faults

    async def _runs(self) -> list[str]:
        return [
            f"run {run['run_id']} is {run['state']}, {run['outcome']} ({run['reason']}) and {run['verdict']}"
            for run in await self.month.runs()
            if (run["state"], run["verdict"]) != ("reconciled", "complete")
            and not str(run["reason"]).endswith(_RENEWED)
        ]


_ACTIONS = ("approval.recorded", "quantity.written")


def _told(line: str) -> str:
    entry: Json = json.loads(line)
    return f"{entry['action']} {entry['subject']}"


def _differences(truth: dict[str, Any], shown: dict[str, Json]) -> Iterator[str]:
    for line_id in sorted(truth.keys() | shown.keys()):
        if line_id not in truth or line_id not in shown:
            where = "stored, but not in the fold" if line_id in shown else "in the fold, but not stored"
            yield f"usage line {line_id} is {where}: {shown.get(line_id) or truth[line_id]}"
            continue
        wanted = truth[line_id].model_dump(mode="json")
        wrong = {
            name: (wanted[name], value)
            for name, value in shown[line_id].items()
            if _differs(wanted, name, value)
        }
        if wrong:
            yield f"usage line {line_id}, as folded and as stored: {wrong}"


def _differs(wanted: Json, name: str, value: Any) -> bool:
    """When a line was stored is the store's own affair."""
    return name not in {"changed_at", "in_flight"} and wanted[name] != value


def _untold(shown: dict[str, Json], told: dict[str, UsageLineChanged]) -> Iterator[str]:
    """Who follows the topic must have heard of every line that stands what the line says."""
    for line_id in sorted(shown.keys() | told.keys()):
        news = told[line_id].model_dump(mode="json") if line_id in told else None
        said, stored = _said(news), _said(shown.get(line_id))
        if said != stored:
            yield f"usage line {line_id}: told last was {said}, stored is {stored}"


def _said(line: Json | None) -> Json | None:
    """What followers act on: that a number was confirmed once more is no news."""
    if line is None:
        return None
    counts = {side: line[side] | {"as_of": None} for side in ("vendor_count", "psa_count")}
    return counts | {name: line[name] for name in ("line_class", "reason", "money")}
