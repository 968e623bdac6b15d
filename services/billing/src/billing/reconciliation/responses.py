"""Body of the answer about what rules would change; numbers are exact decimal strings."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from billing.reconciliation.rules_preview import LineChange, RulesPreview
from billing.usage.usage_line import LineNames
from shared.contracts.base import ContractModel
from shared.contracts.billing import Count, LineClass, MoneyEffect
from shared.contracts.fields import Number


class PreviewedState(ContractModel):
    """What a line says, as it is or as it would be."""

    vendor_count: Count
    psa_count: Count
    line_class: LineClass
    reason: str | None = None
    money: MoneyEffect
    calculation: tuple[str, ...] = ()


class LineChangeResponse(ContractModel):
    """One line that would change."""

    line_id: str
    names: LineNames
    psa_integration_id: str | None = None
    psa_account_id: str | None = None
    psa_product_id: str | None = None
    vendor_integration_id: str | None = None
    vendor_account_id: str | None = None
    service_id: str | None = None
    before: PreviewedState | None = Field(None, description="None for a line that there is not yet.")
    after: PreviewedState | None = Field(None, description="None for a line that would go.")

    @classmethod
    def of(cls, change: LineChange) -> Self:
        before, after = (
            PreviewedState.model_validate(line, from_attributes=True) if line else None
            for line in (change.before, change.after)
        )
        shown = {name: getattr(change.line, name) for name in cls.model_fields if name not in _STATES}
        return cls(**shown, before=before, after=after)


_STATES = ("before", "after")


class MoneyChange(ContractModel):
    """By how much the money effects of all lines change together, in one currency."""

    currency: str
    amount: Number


_EXAMPLE: dict[str, Any] = {
    "lines_compared": 34,
    "lines_changed": 1,
    "money": [{"currency": "USD", "amount": "-100"}],
    "without_estimate": 0,
    "failed_accounts": 0,
    "lines": [
        {
            "line_id": "line_7f3c",
            "names": {
                "vendor_accounts": ["Contoso"],
                "services": ["Microsoft 365 Business Premium"],
                "psa_account": "Contoso Ltd",
                "product": "M365 Business Premium",
                "product_key": "M365-BP",
            },
            "psa_integration_id": "int_c8f8e50eee5be8dd",
            "psa_account_id": "19297",
            "psa_product_id": "41",
            "vendor_integration_id": None,
            "vendor_account_id": None,
            "service_id": None,
            "before": {
                "vendor_count": {"number": "15", "as_of": "2026-11-30T08:15:30Z"},
                "psa_count": {"number": "10", "as_of": "2026-11-30T08:16:02Z"},
                "line_class": "vendor-higher",
                "reason": None,
                "money": {"amount": "100", "currency": "USD", "basis": "psa-price"},
                "calculation": [],
            },
            "after": {
                "vendor_count": {"number": "10", "as_of": "2026-11-30T08:15:30Z"},
                "psa_count": {"number": "10", "as_of": "2026-11-30T08:16:02Z"},
                "line_class": "in-step",
                "reason": None,
                "money": {"amount": "0", "currency": "USD", "basis": "psa-price"},
                "calculation": [
                    "Microsoft 365 Business Premium: 12 + 3 − 5 included, rounded up to a multiple of 10 = 10"
                ],
            },
        }
    ],
}


class RulesPreviewResponse(BaseModel):
    """What the rules would change; nothing is decided by it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    lines_compared: int
    lines_changed: int
    money: tuple[MoneyChange, ...] = Field(description="By currency; amounts of two are never added.")
    without_estimate: int = Field(description="Lines that change, and of which the money is not known.")
    failed_accounts: int = Field(description="Accounts that could not be calculated; billing's log says why.")
    lines: tuple[LineChangeResponse, ...] = Field(description="Those that change, up to `limit`.")

    @classmethod
    def of(cls, preview: RulesPreview) -> Self:
        return cls(
            lines_compared=preview.compared,
            lines_changed=preview.changed,
            money=tuple(
                MoneyChange(currency=currency, amount=amount)
                for currency, amount in sorted(preview.money.items())
            ),
            without_estimate=preview.without_estimate,
            failed_accounts=preview.failed_accounts,
            lines=tuple(LineChangeResponse.of(change) for change in preview.changes),
        )
