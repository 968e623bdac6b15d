"""What the rules of a mapped service would change, line by line, before anybody decides on them."""

# Invariant: nothing is stored, and both sides are calculated by the code that bills, for one moment: a line
# that is shown to change is what the decision would make of it, unless news comes in between. Money is
# summed up by currency, and what has none is counted:
#
#   svc1 → p9, 15 bought, 10 billed     proposed: less 5, to tens     p9: 15 → 10, vendor-higher → in-step

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import structlog

from billing.reconciliation.group_calculation import calculate_group
from billing.reconciliation.ports import LoadedGroups
from billing.usage.account_group import TenantContext
from billing.usage.ref import Ref, RefKind, billed_as
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Side, utc
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.errors import NotFound, RuleBroken, TransientError
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock, utc_now

log = structlog.get_logger()

_ACCOUNTS_PER_LOAD = 64
"""It bounds memory."""


@dataclass(frozen=True, slots=True)
class ProposedRules:
    """A mapping of a service with its rules, as a person is about to decide it."""

    tenant_id: str
    by: str
    service: Ref
    product: Ref
    rules: MappingRules


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line as it is and as it would be; None where it is not, or would not be."""

    before: UsageLine | None
    after: UsageLine | None

    @property
    def line(self) -> UsageLine:
        """The line as it would be; as it is, if it would go."""
        line = self.after or self.before
        if line is None:
            raise LookupError("a change is of a line")
        return line

    @property
    def is_change(self) -> bool:
        return _what_people_see(self.before) != _what_people_see(self.after)

    @property
    def money(self) -> tuple[str, Decimal] | None:
        """By how much the money effect changes, with its currency; None where that is not known."""
        effects = [line.money for line in (self.before, self.after) if line]
        currencies = {effect.currency for effect in effects}
        if any(effect.amount is None for effect in effects) or len(currencies) != 1:
            return None
        before, after = (line.money.amount if line else None for line in (self.before, self.after))
        return currencies.pop() or "", (after or Decimal(0)) - (before or Decimal(0))


@dataclass(slots=True)
class RulesPreview:
    """The lines of all accounts concerned, compared."""

    compared: int = 0
    changed: int = 0
    changes: list[LineChange] = field(default_factory=list)
    """The first of those that change, as many as were asked for."""
    money: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By how much the money effects change, by currency."""
    without_estimate: int = 0
    """Lines that change and of which that is not known."""
    failed_accounts: int = 0
    """Accounts whose lines could not be calculated, for an error of ours; the log says which."""

    def note(self, change: LineChange, shown: int) -> None:
        self.compared += 1
        if not change.is_change:
            return
        self.changed += 1
        if len(self.changes) < shown:
            self.changes.append(change)
        if change.money is None:
            self.without_estimate += 1
        else:
            currency, amount = change.money
            self.money[currency] += amount


class PreviewedGroups(Protocol):
    """Loads account groups as they are, or as they would be; see `AccountGroupLoader`."""

    async def affected_accounts(self, tenant_id: str, refs: Collection[Ref]) -> set[Ref]: ...

    async def group_accounts(
        self, tenant_id: str, accounts: Collection[Ref]
    ) -> Mapping[Ref, frozenset[Ref]]: ...

    async def load_groups(
        self, tenant_id: str, accounts: Collection[Ref], *, proposed: MappingDecided | None = None
    ) -> LoadedGroups: ...


class KnownContext(Protocol):
    """Knows what was observed and decided; see `TenantContextLoader`."""

    async def load(self, tenant_id: str, refs: set[Ref]) -> TenantContext: ...


class KnownIntegrations(Protocol):
    """Knows what a tenant is connected to; see `IntegrationDirectory`."""

    async def of_tenant(self, tenant_id: str) -> Sequence[IntegrationChanged]: ...


class RulesPreviewer:
    """Calculates lines by proposed rules; stores nothing."""

    def __init__(
        self,
        groups: PreviewedGroups,
        context: KnownContext,
        integrations: KnownIntegrations,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._groups, self._context, self._integrations = groups, context, integrations
        self._clock = clock

    async def preview(self, wanted: ProposedRules, *, shown: int) -> RulesPreview:
        """Returns what would change; raises `NotFound` for a service or product that was never observed."""
        now, tenant_id = utc(self._clock()), wanted.tenant_id
        proposed = await self._proposed(wanted, now)
        concerned = {wanted.service, *billed_as(proposed)}
        accounts = await self._groups.affected_accounts(tenant_id, concerned)
        groups = {*(await self._groups.group_accounts(tenant_id, accounts)).values()}
        preview, batch = RulesPreview(), list[frozenset[Ref]]()
        for group in sorted(groups, key=min):
            batch.append(group)
            if sum(map(len, batch)) >= _ACCOUNTS_PER_LOAD:
                await self._compare(preview, batch, proposed, now, shown=shown)
                batch = []
        await self._compare(preview, batch, proposed, now, shown=shown)
        return preview

    async def _proposed(self, wanted: ProposedRules, now: datetime) -> MappingDecided:
        vendor = await self._integration(wanted.tenant_id, wanted.service.integration_id, Side.VENDOR)
        psa = await self._integration(wanted.tenant_id, wanted.product.integration_id, Side.PSA)
        if wanted.product.id in {part.psa_id for part in wanted.rules.split}:
            raise RuleBroken(
                f"PSA product {wanted.product.id} gets what the split leaves: name others as parts"
            )
        ids = {wanted.product.id, *wanted.rules.product_ids}
        named = {wanted.service, *(Ref(RefKind.PSA_PRODUCT, psa.integration_id, id_) for id_ in ids)}
        context = await self._context.load(wanted.tenant_id, named)
        if missing := sorted(named - context.names.keys()):
            kind = "vendor service" if missing[0].kind is RefKind.VENDOR_SERVICE else "PSA product"
            raise NotFound(f"there is no {kind} {missing[0].id} in integration {missing[0].integration_id}")
        standing = context.services.get(wanted.service)
        return MappingDecided(
            tenant_id=wanted.tenant_id,
            revision=(standing.revision if standing else 0) + 1,
            kind=MappingKind.SERVICE,
            vendor_provider=vendor.provider,
            vendor_realm=vendor.realm,
            vendor_integration_id=vendor.integration_id,
            vendor_id=wanted.service.id,
            psa_provider=psa.provider,
            psa_realm=psa.realm,
            psa_integration_id=psa.integration_id,
            psa_id=wanted.product.id,
            decision=MappingDecision.APPROVED,
            method=MappingMethod.MANUAL,
            decided_by=wanted.by,
            decided_at=now,
            rules=wanted.rules,
        )

    async def _integration(self, tenant_id: str, integration_id: str, side: Side) -> IntegrationChanged:
        for one in await self._integrations.of_tenant(tenant_id):
            if (one.integration_id, one.side) == (integration_id, side):
                return one
        raise NotFound(f"there is no {side} integration {integration_id}: ask auth for those there are")

    async def _compare(
        self,
        preview: RulesPreview,
        groups: Sequence[frozenset[Ref]],
        proposed: MappingDecided,
        now: datetime,
        *,
        shown: int,
    ) -> None:
        """Adds whole groups; what fails is halved until the group that cannot be calculated stands alone."""
        accounts, tenant_id = frozenset[Ref]().union(*groups), proposed.tenant_id
        outcome = await attempt(self._changes(tenant_id, accounts, proposed, now))
        if isinstance(outcome, TransientError):
            raise outcome
        if isinstance(outcome, Exception) and len(groups) > 1:
            middle = len(groups) // 2
            await self._compare(preview, groups[:middle], proposed, now, shown=shown)
            await self._compare(preview, groups[middle:], proposed, now, shown=shown)
            return
        if isinstance(outcome, Exception):
            log.error(
                "rules_not_previewed", tenant_id=tenant_id, account=str(min(accounts)), exc_info=outcome
            )
            preview.failed_accounts += len(accounts)
            return
        for change in outcome:
            preview.note(change, shown)

    async def _changes(
        self, tenant_id: str, accounts: Collection[Ref], proposed: MappingDecided, now: datetime
    ) -> list[LineChange]:
        before = await _lines(await self._groups.load_groups(tenant_id, accounts), now)
        after = await _lines(await self._groups.load_groups(tenant_id, accounts, proposed=proposed), now)
        return [LineChange(before.get(id_), after.get(id_)) for id_ in sorted(before.keys() | after.keys())]


async def _lines(loaded: LoadedGroups, now: datetime) -> dict[str, UsageLine]:
    lines = [line for group in loaded.groups for line in await calculate_group(group, now)]
    return {line.line_id: line for line in lines if line.present}


def _what_people_see(line: UsageLine | None) -> tuple[object, ...] | None:
    if line is None:
        return None
    counts = (line.vendor_count.model_copy(update={"as_of": None}), line.psa_count.number, line.preview)
    return counts, line.line_class, line.reason, line.money, line.calculation
