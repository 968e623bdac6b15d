"""Calculates the usage lines of an account group: allocate, count both sides, classify, price, evidence."""

# The same group and moment always give the same lines, in whatever order the observations came. Each fact is
# derived once and handed on: `count_vendor` decides which items count, `product_billing` which agreement
# lines are candidates.

from datetime import datetime

from billing.usage.account_group import AccountGroup
from billing.usage.allocation import LineBasis, allocate
from billing.usage.calendar import soonest
from billing.usage.classification import classify
from billing.usage.evidence import calculation_of, provenance_of
from billing.usage.freshness import manifests_digest
from billing.usage.money import estimate, unit_worth
from billing.usage.psa_count import count_psa, product_billing
from billing.usage.ref import Ref, RefKind
from billing.usage.seal import seal_of
from billing.usage.usage_line import UsageLine, line_id_of
from billing.usage.vendor_count import count_vendor
from billing.usage.vendor_items import vendor_items


def calculate(group: AccountGroup, now: datetime) -> list[UsageLine]:
    """The lines of a group as of `now`; where nothing is bought and nothing billed there is no line."""
    bases = allocate(group, vendor_items(group), product_billing(group, now))
    return [line for basis in bases if (line := _line(basis, group, now))]


def _line(basis: LineBasis, group: AccountGroup, now: datetime) -> UsageLine | None:
    vendor, psa = count_vendor(basis, group, now), count_psa(basis, group, now)
    present = bool(psa.billed or psa.is_unsettled or vendor.counting or vendor.preview is not None)
    # A line whose agreement line opens later is stored but not shown, for its `recheck_at`.
    if not present and not psa.begins_later:
        return None
    classification = basis.place.no_target or classify(vendor, psa)
    provenance = provenance_of(basis, vendor, psa, group.context)
    unit_price, currency = unit_worth(vendor, psa)
    line_id = line_id_of(group.tenant.id, basis.place.account, basis.place.catalogue_item)
    accounts = {basis.place.account, *vendor.accounts, *(item.account for item in provenance.evidence.items)}
    return UsageLine(
        tenant_id=group.tenant.id,
        line_id=line_id,
        **_identity(basis.place.account, basis.place.catalogue_item),
        names=provenance.names,
        vendor_count=vendor.count,
        psa_count=psa.count,
        line_class=classification.line_class,
        reason=classification.reason,
        money=estimate(classification.line_class, vendor, psa),
        evidence=provenance.evidence,
        seal=seal_of(line_id, vendor.count, psa.count, provenance.evidence),
        integration_ids=provenance.integration_ids,
        vendor_accounts=tuple(account.encode() for account in vendor.accounts),
        calculation=calculation_of(vendor, group.context),
        preview=vendor.preview,
        unit_price=unit_price,
        currency=currency,
        manifests_digest=manifests_digest(accounts, group.manifests),
        recheck_at=soonest([*vendor.changes_at, *psa.changes_at], after=now),
        present=present,
        changed_at=now,
    )


def _identity(account: Ref, catalogue_item: Ref) -> dict[str, str]:
    """The id fields of a line: those of its target, or those of its vendor account and service."""
    if account.kind is RefKind.PSA_ACCOUNT:
        names = "psa_integration_id", "psa_account_id", "psa_product_id"
    else:
        names = "vendor_integration_id", "vendor_account_id", "service_id"
    return dict(zip(names, (account.integration_id, account.id, catalogue_item.id), strict=True))
