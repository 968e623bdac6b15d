"""Works out what a run changes: the lines by its manifests beside the lines by what was believed before."""

# Invariant: the two calculations differ in the manifests of the run, and in nothing else: the mappings, the
# settings, the read-backs of our own writes and the moment are the same. So nothing that people decide, and
# nothing that we wrote ourselves, is taken for a change that the marketplace or the PSA has made.
#
#   believed: acme 10     r9 names acme 0, beta was read by r9 before: 4, believed: 7
#   → by what was believed: 10 + 7     by r9: 0 + 4     → one line, 17 → 4
#
# What is compared is the known part where there is no number: that a sum was read once only is no reason not
# to see that it has become nothing. A short listing leaves out what it does not know, so it is not compared;
# neither is an account of which nothing was believed before. A group that cannot be calculated counts as one
# whose lines vanish: nobody knows that they do not.

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import structlog

from billing.feeds.models import FeedSize, LineSwing, RunRef
from billing.reconciliation.group_calculation import calculate_group
from billing.reconciliation.ports import LoadedGroups
from billing.reconciliation.uncounted_lines import UncountedLines
from billing.usage.account_group import AccountGroup, IntegrationRules
from billing.usage.manifest import AppliedManifest, Manifests
from billing.usage.manifest_reader import ComparedManifests
from billing.usage.ref import Ref, RefKind
from billing.usage.usage_line import UsageLine
from shared.contracts.base import utc
from shared.contracts.manifest import ListingExtent
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock, utc_now

log = structlog.get_logger()

_GROUPS_PER_LOAD = 16
"""It bounds memory."""


class ComparedGroups(Protocol):
    """Reads account groups as they would be by other manifests; see `AccountGroupLoader`."""

    async def group_accounts(
        self, tenant_id: str, accounts: Collection[Ref]
    ) -> Mapping[Ref, frozenset[Ref]]: ...

    async def load_groups(
        self, tenant_id: str, accounts: Collection[Ref], *, given: Manifests | None = None
    ) -> LoadedGroups: ...


class BelievedManifests(Protocol):
    """Knows what was believed before a run; see `ManifestReader`."""

    async def to_compare(
        self,
        tenant_id: str,
        accounts: Iterable[Ref],
        run: tuple[str, str],
        doubted: Collection[tuple[str, str]],
    ) -> Mapping[Ref, ComparedManifests]: ...


class LastLines(Protocol):
    """Knows lines as they were stored last; see `UsageLineRepository`."""

    async def lines_of_accounts(self, tenant_id: str, accounts: Iterable[Ref]) -> Sequence[UsageLine]: ...


@dataclass(frozen=True, slots=True)
class _LineNumber:
    """The number of a line on the run's side, and what one unit is worth."""

    number: Decimal
    unit_price: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The manifests to calculate with, by account: as believed before the run, and as the run has them."""

    accounts: frozenset[Ref]
    believed: Manifests
    by_run: Manifests
    kind: RefKind
    """Of the accounts of the run's side."""


class FeedComparison:
    """Compares what a run says with what was believed before (see `RunEffects`)."""

    def __init__(
        self,
        groups: ComparedGroups,
        manifests: BelievedManifests,
        lines: LastLines,
        uncounted: UncountedLines,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._groups, self._manifests, self._lines = groups, manifests, lines
        self._uncounted, self._clock = uncounted, clock

    async def uncounted(self, tenant_id: str, integration_id: str, counted: Collection[str]) -> FeedSize:
        """Returns how much there is besides stored lines, and besides those that are counted already."""
        return await self._uncounted.size(tenant_id, integration_id, counted)

    async def swings(
        self,
        tenant_id: str,
        run: RunRef,
        manifests: Mapping[Ref, AppliedManifest],
        doubted: Collection[tuple[str, str]],
    ) -> dict[str, LineSwing]:
        """Returns what the run makes of the lines that rest on these manifests of it, by line id."""
        compared = await self._manifests.to_compare(tenant_id, manifests, run, doubted)
        accounts = sorted(account for account in manifests if account in compared)
        groups = sorted({*(await self._groups.group_accounts(tenant_id, accounts)).values()}, key=min)
        swings: dict[str, LineSwing] = {}
        for start in range(0, len(groups), _GROUPS_PER_LOAD):
            together = frozenset[Ref]().union(*groups[start : start + _GROUPS_PER_LOAD])
            batch = [account for account in accounts if account in together]
            pairs = await self._manifests.to_compare(tenant_id, together, run, doubted)
            comparison = _comparison(pairs, manifests, batch)
            if comparison.believed != comparison.by_run:
                swings |= await self._compare(tenant_id, comparison)
        return swings

    async def _compare(self, tenant_id: str, comparison: _Comparison) -> dict[str, LineSwing]:
        """Compares some accounts; those that cannot be calculated are found by halving."""
        outcome = await attempt(self._changes(tenant_id, comparison))
        if isinstance(outcome, TransientError):
            raise outcome
        if not isinstance(outcome, Exception):
            return outcome
        accounts = sorted(comparison.accounts)
        if len(accounts) == 1:
            log.error("not_compared", tenant_id=tenant_id, account=str(accounts[0]), exc_info=outcome)
            return await self._vanishing(tenant_id, comparison)
        middle = len(accounts) // 2
        first, second = (
            replace(comparison, accounts=frozenset(half)) for half in (accounts[:middle], accounts[middle:])
        )
        return await self._compare(tenant_id, first) | await self._compare(tenant_id, second)

    async def _changes(self, tenant_id: str, comparison: _Comparison) -> dict[str, LineSwing]:
        now = utc(self._clock())
        before = await self._numbers(tenant_id, comparison, comparison.believed, now=now)
        after = await self._numbers(tenant_id, comparison, comparison.by_run, now=now)
        return {
            line_id: _swing(line_id, before.get(line_id), after.get(line_id))
            for line_id in before.keys() | after.keys()
        }

    async def _numbers(
        self, tenant_id: str, comparison: _Comparison, given: Manifests, *, now: datetime
    ) -> dict[str, _LineNumber]:
        loaded = await self._groups.load_groups(tenant_id, comparison.accounts, given=given)
        numbers: dict[str, _LineNumber] = {}
        for group in loaded.groups:
            for line in await calculate_group(_with_pending(group), now):
                count = line.psa_count if comparison.kind is RefKind.PSA_ACCOUNT else line.vendor_count
                number = count.known_part if count.number is None else count.number
                numbers[line.line_id] = _LineNumber(number or Decimal(0), line.unit_price, line.currency)
        return numbers

    async def _vanishing(self, tenant_id: str, comparison: _Comparison) -> dict[str, LineSwing]:
        groups = await self._groups.group_accounts(tenant_id, comparison.accounts)
        lines = await self._lines.lines_of_accounts(tenant_id, frozenset().union(*groups.values()))
        of_psa = comparison.kind is RefKind.PSA_ACCOUNT
        return {
            line.line_id: LineSwing(line.line_id, last, Decimal(0), line.unit_price, line.currency)
            for line in lines
            if (last := line.last_psa if of_psa else line.last_vendor)
        }


def _comparison(
    pairs: Mapping[Ref, ComparedManifests],
    news: Mapping[Ref, AppliedManifest],
    batch: Collection[Ref],
) -> _Comparison:
    """What to calculate with; accounts that cannot be compared are the same on both sides."""
    believed: dict[Ref, AppliedManifest] = {}
    by_run: dict[Ref, AppliedManifest] = {}
    for account, pair in pairs.items():
        if pair.believed is None:
            continue
        of_run = news.get(account) or pair.of_run
        short = {ListingExtent.SHORT} & {pair.believed.listing, of_run.listing if of_run else None}
        believed[account] = pair.believed
        by_run[account] = pair.believed if of_run is None or short else of_run
    return _Comparison(frozenset(batch), believed, by_run, next(iter(batch)).kind)


def _swing(line_id: str, before: _LineNumber | None, after: _LineNumber | None) -> LineSwing:
    numbers = before.number if before else Decimal(0), after.number if after else Decimal(0)
    worth = next((one for one in (after, before) if one and one.unit_price is not None), None)
    return LineSwing(line_id, *numbers, *((worth.unit_price, worth.currency) if worth else ()))


def _with_pending(group: AccountGroup) -> AccountGroup:
    """The group as if all mapping were finished: what a run does to a preview it will do to the number."""
    rules = {id_: replace(rule, pending=False) for id_, rule in group.context.rules.items()}
    return replace(group, context=replace(group.context, rules=IntegrationRules(rules)))
