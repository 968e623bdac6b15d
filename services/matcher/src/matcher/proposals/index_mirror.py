"""Remembers what the engine's process was told, so that it is told of changes alone."""

# Invariant: what is remembered of a list is what the process has of it; another process has another mirror.
# Only who names the newest answer (`since`) is told what has changed since; who has missed one gets all:
#
#   v1 v2, since nothing → token a, all     v1 v2', since a → token b, the changes     since a again → c, all
#
# A record is remembered by its hash: so large are the lists that the records would be too much.

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from matcher.catalogue.items import Item
from matcher.proposals.engine_task import AccountTask, ServiceTask
from matcher.proposals.item_records import account_record, service_record
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingKind

MOST_KEPT = 60_000
"""Items of all lists that the process keeps: with them it takes a few hundred megabytes."""

_FORMS: dict[MappingKind, tuple[Any, Any]] = {
    MappingKind.ACCOUNT: (account_record, AccountTask),
    MappingKind.SERVICE: (service_record, ServiceTask),
}
Hashes = dict[str, int]


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task, and what its answer will mean."""

    task: AccountTask | ServiceTask
    token: str | None
    """Names the answer; None when nothing is kept."""
    is_whole: bool
    """Whether the answer has all that is proposed, and not the changes alone."""


@dataclass(frozen=True, slots=True)
class _KeptLists:
    token: str
    vendor: Hashes
    psa: Hashes

    @property
    def size(self) -> int:
        return len(self.vendor) + len(self.psa)


class IndexMirror:
    """Plans the tasks of one process."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most = most_kept
        self._kept = dict[str, _KeptLists]()
        """By name, the one that was used last at the end."""

    def plan(
        self,
        kind: MappingKind,
        vendor: Sequence[Item],
        psa: Sequence[Item],
        *,
        since: str | None,
        wanted: Collection[str],
    ) -> PlannedTask:
        """Returns the task that ranks these items; there is at least one vendor item."""
        read, form = _FORMS[kind]
        name = key_of(vendor[0].tenant_id, kind, vendor[0].integration_id)
        ours, theirs = ({item.key: read(item) for item in items} for items in (vendor, psa))
        hashes = [{key: hash(record) for key, record in side.items()} for side in (ours, theirs)]
        kept = self._kept.pop(name, None)
        if len(ours) + len(theirs) > self._most:
            forgotten = [name] if kept else []
            lists = {"vendor": [*ours.values()], "psa": [*theirs.values()]}
            return PlannedTask(
                form(name=name, is_new=True, is_kept=False, forgotten=forgotten, **lists), None, is_whole=True
            )
        is_whole = kept is None or kept.token != since
        former = _KeptLists("", {}, {}) if kept is None or is_whole else kept
        forgotten = self._make_room(len(ours) + len(theirs))
        token = uuid4().hex
        self._kept[name] = _KeptLists(token, *hashes)
        task = form(
            name=name,
            is_new=is_whole,
            vendor=_changed(ours, hashes[0], former.vendor),
            psa=_changed(theirs, hashes[1], former.psa),
            gone_vendor=sorted(former.vendor.keys() - ours.keys()),
            gone_psa=sorted(former.psa.keys() - theirs.keys()),
            wanted=sorted(wanted),
            forgotten=forgotten,
        )
        return PlannedTask(task, token, is_whole)

    def _make_room(self, size: int) -> list[str]:
        """Forgets what was used longest ago, until `size` more items have room; returns the names."""
        forgotten = list[str]()
        while self._kept and sum(one.size for one in self._kept.values()) + size > self._most:
            name = next(iter(self._kept))
            del self._kept[name]
            forgotten.append(name)
        return forgotten


def _changed(records: Mapping[str, Any], hashes: Hashes, former: Hashes) -> list[Any]:
    return [record for key, record in records.items() if former.get(key) != hashes[key]]
