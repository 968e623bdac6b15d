"""Usage lines for tests, and a store of them as billing's own."""

from datetime import UTC, datetime
from decimal import Decimal

from billing.usage.seal import seal_of
from billing.usage.usage_line import BilledLine, Evidence, UsageLine
from shared.contracts.auth import IntegrationChanged, IntegrationStatus
from shared.contracts.base import NoNumber, Side
from shared.contracts.billing import Count, LineClass, MoneyEffect

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PSA, VENDOR = "int_psa", "int_vendor"


def a_line(
    line_id: str = "line_1",
    *,
    tenant_id: str = "demo",
    vendor: int | NoNumber | None = 7,
    psa: int | None = 5,
    line_class: LineClass = LineClass.VENDOR_HIGHER,
    agreement_lines: int = 1,
    present: bool = True,
) -> UsageLine:
    """A line whose seal is that of its content."""
    vendor_count = (
        Count(missing=vendor)
        if isinstance(vendor, NoNumber)
        else Count(number=None if vendor is None else Decimal(vendor))
    )
    psa_count = Count(number=None if psa is None else Decimal(psa))
    billed = tuple(a_billed(f"{line_id}-add-{number}", psa) for number in range(agreement_lines))
    evidence = Evidence(billed=billed)
    return UsageLine(
        tenant_id=tenant_id,
        line_id=line_id,
        psa_integration_id=PSA,
        psa_account_id="acc",
        psa_product_id="prod",
        vendor_count=vendor_count,
        psa_count=psa_count,
        line_class=line_class,
        money=MoneyEffect(),
        evidence=evidence,
        seal=seal_of(line_id, vendor_count, psa_count, evidence),
        present=present,
        changed_at=AT,
    )


def a_billed(line_id: str, quantity: int | None) -> BilledLine:
    return BilledLine(
        integration_id=PSA,
        line_id=line_id,
        agreement_id="agr",
        agreement_name="Managed",
        quantity=None if quantity is None else Decimal(quantity),
        included=Decimal(0),
        unit_price=Decimal("9.50"),
        unit_cost=Decimal("4.25"),
        currency="USD",
        starts_on=None,
        ends_on=None,
        invoiced_until=None,
        observed_at=AT,
        as_of=AT,
        run_id="run_1",
        revision=1,
    )


def an_integration(
    integration_id: str = PSA,
    *,
    side: Side = Side.PSA,
    status: IntegrationStatus = IntegrationStatus.ACTIVE,
    tenant_id: str = "demo",
) -> IntegrationChanged:
    return IntegrationChanged(
        tenant_id=tenant_id,
        revision=1,
        integration_id=integration_id,
        side=side,
        provider="connectwise" if side is Side.PSA else "ingram-micro",
        realm="here",
        name=integration_id,
        generation=1,
        status=status,
    )


class Connected:
    """Integrations that a test names; no event is needed."""

    def __init__(self, *known: IntegrationChanged) -> None:
        self.known = list(known)

    async def of_tenant(self, tenant_id: str) -> list[IntegrationChanged]:
        return [one for one in self.known if one.tenant_id == tenant_id]

    async def by_tenant(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in self.known:
            found.setdefault(one.tenant_id, set()).add(one.integration_id)
        return found
