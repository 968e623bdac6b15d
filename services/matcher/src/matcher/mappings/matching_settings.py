"""How a tenant has items mapped by themselves: read, and changed by an admin."""

# Invariant: the rule always decides by the settings that are stored, for both are read under the tenant's
# lock. A change has everything compared anew; what was mapped by the former settings and is no longer equal
# goes by the exact rule's own law: before mapping is finished it is taken back, afterwards it stays:
#
#   exact → normalised: "Contoso" is mapped to "CONTOSO Ltd."     → exact: taken back, unless finished

from datetime import datetime
from functools import partial

from matcher.catalogue.items import ItemKind
from matcher.mappings.models import MatchingSettings, SettingsChange, SettingsRefused
from matcher.mappings.ports import MappingStore, UnitOfWork
from shared.contracts.matcher import MatchingSettingsChanged, NameEquality
from shared.runtime.clock import Clock


class MatchingSettingsService:
    """Changes settings; the same again changes nothing."""

    def __init__(self, store: MappingStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def change(self, change: SettingsChange) -> MatchingSettings:
        """Returns the settings as they are then.

        Raises `SettingsRefused` when somebody changed them meanwhile, or items cannot be compared so yet.
        """
        work = partial(self._change, change=change, at=self._clock())
        return await self._store.run_unit_of_work(change.tenant_id, work)

    async def _change(self, unit: UnitOfWork, *, change: SettingsChange, at: datetime) -> MatchingSettings:
        stored = await unit.matching_settings()
        if change.seen_revision not in (None, stored.revision):
            raise SettingsRefused(
                f"the settings were changed meanwhile, to {stored.name_equality} by {stored.changed_by}:"
                f" look at them and decide anew, on revision {stored.revision}",
                stored,
            )
        if stored.name_equality is change.name_equality:
            return stored
        if change.name_equality is NameEquality.NORMALISED and not await unit.has_normal_names():
            raise SettingsRefused("items are brought into their new form: try again in a minute", stored)
        told = MatchingSettingsChanged(
            tenant_id=change.tenant_id,
            revision=max(stored.revision + 1, int(at.timestamp() * 1_000_000)),
            name_equality=change.name_equality,
            replaced=stored.name_equality,
            changed_by=change.by,
            changed_at=at,
        )
        await unit.record_settings(told)
        for integration in (await unit.integrations()).values():
            for kind in ItemKind:
                if kind.side is integration.side:
                    await unit.enqueue(kind.integration_lane, [integration.integration_id])
        return MatchingSettings.of(told)
