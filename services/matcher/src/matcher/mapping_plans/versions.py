"""Names moments of all mappings, compares them, and makes plans that bring one back."""

# Invariant: a rollback brings back what stood, with its own method, wherever something else stands now; what
# came later than the version is taken back to nothing. What the exact rule decided since is taken back by a
# *person*, or the rule would decide it again at once (`mappings/decisions.py`). Items that are gone meanwhile
# are errors of their rows:
#
#   version: 1 → 9 exact, 2 undecided     now: 1 → 8 by ann, 2 → 7 exact     rollback: 1 → 9 exact, 2 revoked

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from matcher.mapping_plans.imports import row_of
from matcher.mapping_plans.models import (
    MappingPlan,
    PlanRow,
    PlanSource,
    WantedDecision,
)
from matcher.mapping_plans.plan_draft import PlanDraft, PlanOrder
from matcher.mapping_plans.ports import PlanDrafts, PlanStore, PlanUnit
from matcher.mapping_plans.usability import in_error, require_usable
from matcher.mapping_plans.version_models import (
    MappingVersion,
    VersionDifference,
    VersionOrigin,
    cut_at,
    same_content,
)
from matcher.mappings.decisions import replaced_by_next, undoing_decision
from matcher.mappings.models import MappingsReserved, PsaItemRef
from shared.contracts.matcher import MappingDecided, MappingDecision, ReplacedDecision
from shared.runtime.clock import Clock

_SENTENCE_IF_LOST = "what stood then was not kept: decide by hand"
_REASON_CHARACTERS = 400


class VersionService:
    """Versions of one tenant's mappings."""

    def __init__(
        self, drafts: PlanDrafts, store: PlanStore, clock: Clock, new_id: Callable[[str], str]
    ) -> None:
        """`new_id` makes an id with a prefix."""
        self._drafts, self._store, self._clock, self._new_id = drafts, store, clock, new_id

    async def name(self, tenant_id: str, name: str, by: str) -> MappingVersion:
        """Keeps the present moment as a version; raises `MappingsReserved` while a plan is half applied."""
        id_, at = self._new_id("ver"), self._clock()

        async def work(unit: PlanUnit) -> MappingVersion:
            if reservation := await unit.reservation():
                raise MappingsReserved(reservation)
            cut = cut_at(at, await unit.newest_revision())
            version = MappingVersion(id_, tenant_id, name, VersionOrigin.NAMED, cut, at, by)
            await unit.add_version(version)
            return version

        return await self._store.run(tenant_id, work)

    async def differences(
        self, version: MappingVersion, to: MappingVersion | None, *, after: str | None, limit: int
    ) -> list[VersionDifference]:
        """Returns what differs between a version and another, or now, in the order of the mappings' keys."""
        found: list[VersionDifference] = []
        async with aclosing(self._differences(version, to, after)) as differences:
            async for difference in differences:
                found.append(difference)
                if len(found) == limit:
                    break
        return found

    async def rollback(self, version: MappingVersion, by: str) -> MappingPlan:
        """Returns the plan that brings the version back; nothing is decided by it."""
        title = f"rolled back to {version.name}"[:_REASON_CHARACTERS]
        order = PlanOrder(
            version.tenant_id, self._new_id("plan"), PlanSource.ROLLBACK, title, by, self._clock()
        )
        draft, reader = PlanDraft(self._drafts, order), self._drafts.reader(version.tenant_id)
        async for mappings in reader.changed_since(version.cut):
            states = await reader.states_at(mappings, version.cut)
            rows = [
                _row(mapping, states[mapping.key], title, draft.rows + place)
                for place, mapping in enumerate(mappings, 1)
            ]
            await draft.add(await require_usable(reader, rows))
        return await draft.publish()

    async def _differences(
        self, version: MappingVersion, to: MappingVersion | None, after: str | None
    ) -> AsyncGenerator[VersionDifference, None]:
        reader = self._drafts.reader(version.tenant_id)
        cut = min(version.cut, to.cut) if to else version.cut
        async with aclosing(reader.changed_since(cut, after)) as pages:
            async for mappings in pages:
                then = await reader.states_at(mappings, version.cut)
                later = await reader.states_at(mappings, to.cut) if to else None
                for mapping in mappings:
                    end = later[mapping.key] if later is not None else replaced_by_next(mapping)
                    if not _same(start := then[mapping.key], end):
                        yield VersionDifference(mapping, start, end)


def _same(one: ReplacedDecision | None, other: ReplacedDecision | None) -> bool:
    return one is None and other is None if one is None or other is None else same_content(one, other)


def _row(mapping: MappingDecided, then: ReplacedDecision | None, title: str, number: int) -> PlanRow:
    if then is None:
        wanted = WantedDecision(MappingDecision.REVOKED, mapping.method)
        row = row_of(mapping, wanted, number, _SENTENCE_IF_LOST)
        return in_error(row, _SENTENCE_IF_LOST)
    decision = undoing_decision(mapping, then, by="")
    reason = then.reason if then.decision is MappingDecision.EXCLUDED else title
    target = (
        PsaItemRef(then.psa_integration_id, then.psa_id) if then.psa_integration_id and then.psa_id else None
    )
    wanted = WantedDecision(decision.outcome, decision.method, target, reason, decision.rules)
    return row_of(mapping, wanted, number)
