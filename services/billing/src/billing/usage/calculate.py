"""Reconciling: from what is known of a scope to its usage lines, purely."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from billing.usage.account_group import AccountGroup, PsaAccount
from billing.usage.allocation import Target, UnmappedGroup, allocate
from billing.usage.calendar import soonest
from billing.usage.classification import classify
from billing.usage.evidence import links_of_loose, links_of_target
from billing.usage.money import estimate
from billing.usage.psa_count import candidates, psa_count, there
from billing.usage.seal import seal_of
from billing.usage.usage_line import (
    CountStatus,
    Evidence,
    UsageLine,
    VendorItem,
    loose_line_id,
    target_line_id,
)
from billing.usage.vendor_count import figures_of, vendor_count
from shared.contracts.billing import Count

NO_TARGET = Count(detail="it has no target in a PSA")


def calculate(scope: AccountGroup, now: datetime) -> list[UsageLine]:
    """The lines of a scope as of `now`; where nothing is bought and nothing billed none is present."""
    places = allocate(scope)
    lines = [_target_line(one, scope.psa, scope, now) for one in places.targets.values() if scope.psa]
    lines += [_loose_line(one, scope, now) for one in places.loose.values()]
    return [line for line in lines if line]


def _target_line(target: Target, psa: PsaAccount, scope: AccountGroup, now: datetime) -> UsageLine | None:
    day = scope.tenant.day(now)
    billed = candidates(target.agreement_lines, scope, day)
    present = bool(billed) or _any_counting(target.items)
    if not present and not _begins_after(day, target, scope):
        return None
    gone = bool(target.agreement_lines) and not there(target.agreement_lines, scope.knowledge)
    vendor = vendor_count(target.items, target.sources, scope.knowledge, now)
    counts = vendor, psa_count(psa, billed, scope.knowledge, now, gone=gone)
    said = classify(*counts, target.items)
    links = links_of_target(target, psa, scope)
    evidence = Evidence(items=_sorted(target.items), billed=tuple(billed), mappings=links.mappings)
    line_id = target_line_id(scope.tenant.id, psa.integration_id, psa.account_id, target.product_id)
    return UsageLine(
        tenant_id=scope.tenant.id,
        line_id=line_id,
        scope=scope.ref,
        psa_integration_id=psa.integration_id,
        psa_account_id=psa.account_id,
        psa_product_id=target.product_id,
        names=links.names,
        vendor_count=counts[0],
        psa_count=counts[1],
        line_class=said.line_class,
        reason=said.reason,
        money=estimate(said.line_class, counts, target.items, billed),
        evidence=evidence,
        seal=seal_of(line_id, *counts, evidence),
        integration_ids=links.integration_ids,
        vendor_sources=links.vendor_sources,
        recheck_at=soonest(_moments(target, counts[1], psa, scope), after=now),
        present=present,
        changed_at=now,
    )


def _loose_line(loose: UnmappedGroup, scope: AccountGroup, now: datetime) -> UsageLine | None:
    if not _any_counting(loose.items):
        return None
    integration_id, account_id = loose.account.integration_id, loose.account.account_id
    counts = vendor_count(loose.items, [integration_id], scope.knowledge, now), NO_TARGET
    links = links_of_loose(loose, scope)
    evidence = Evidence(items=_sorted(loose.items), mappings=links.mappings)
    line_id = loose_line_id(scope.tenant.id, integration_id, account_id, loose.service_id)
    return UsageLine(
        tenant_id=scope.tenant.id,
        line_id=line_id,
        scope=loose.account.ref,
        vendor_integration_id=integration_id,
        vendor_account_id=account_id,
        service_id=loose.service_id,
        names=links.names,
        vendor_count=counts[0],
        psa_count=counts[1],
        line_class=loose.line_class,
        reason=loose.reason,
        money=estimate(loose.line_class, counts, loose.items, []),
        evidence=evidence,
        seal=seal_of(line_id, *counts, evidence),
        integration_ids=links.integration_ids,
        vendor_sources=links.vendor_sources,
        recheck_at=soonest(_ageing(loose.items, [integration_id], scope), after=now),
        changed_at=now,
    )


def _any_counting(items: Sequence[VendorItem]) -> bool:
    return any(item.standing is CountStatus.COUNTING for item in items)


def _begins_after(day: date, target: Target, scope: AccountGroup) -> bool:
    """Whether it is only kept, not shown, so that it is looked at again when its first line begins."""
    starts = (line.last_known.starts_on for line in there(target.agreement_lines, scope.knowledge))
    return any(start and start > day for start in starts)


def _sorted(items: Sequence[VendorItem]) -> tuple[VendorItem, ...]:
    return tuple(sorted(items, key=lambda item: (item.subscription_id, item.service_id or "")))


def _moments(target: Target, psa_count: Count, psa: PsaAccount, scope: AccountGroup) -> Iterator[datetime]:
    """When time alone may change the line: a number becomes stale, an agreement line opens or ends."""
    yield from _ageing(target.items, sorted(target.sources), scope)
    if psa_count.as_of:
        yield scope.knowledge.fresh_until(psa.integration_id, psa_count.as_of)
    for line in there(target.agreement_lines, scope.knowledge):
        for day in (line.last_known.starts_on, line.last_known.ends_on):
            if day:
                yield scope.tenant.midnight(day)


def _ageing(items: Sequence[VendorItem], sources: Sequence[str], scope: AccountGroup) -> Iterator[datetime]:
    for integration_id, as_of in figures_of(items, sources, scope.knowledge):
        if as_of:
            yield scope.knowledge.fresh_until(integration_id, as_of)
