"""A subscription as a calculation needs it: an account may have very many, so each takes little memory."""

# What is stored was validated when it came. Reading it back as the message that it was would take ten times
# the memory and the time: 50,000 subscriptions are 30 MB so, and 300 MB as messages.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from sys import intern
from typing import Any, Protocol, Self

from shared.contracts.base import NoNumber
from shared.contracts.vendor_sync import MissingQuantity, SubscriptionStatus


class LineState(Protocol):
    """One product entry of a subscription; see `SubscriptionLine`, which is one too."""

    @property
    def service_id(self) -> str: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def missing(self) -> NoNumber | None: ...
    @property
    def reason(self) -> MissingQuantity | None: ...
    @property
    def unit_price(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...


class SubscriptionState(Protocol):
    """What a calculation needs of a subscription; see `SubscriptionObserved`, which is one too."""

    @property
    def integration_id(self) -> str: ...
    @property
    def subscription_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> SubscriptionStatus: ...
    @property
    def detailed(self) -> bool: ...
    @property
    def lines(self) -> Sequence[LineState]: ...
    @property
    def observed_at(self) -> datetime: ...
    @property
    def run_id(self) -> str: ...
    @property
    def revision(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StoredLine:
    """One product entry of a subscription, as stored."""

    service_id: str
    quantity: Decimal | None
    missing: NoNumber | None
    reason: MissingQuantity | None
    unit_price: Decimal | None
    currency: str | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        quantity, price, currency = fields["quantity"], fields.get("unit_price"), fields.get("currency")
        missing, reason = fields.get("missing"), fields.get("reason")
        return cls(
            intern(fields["service_id"]),
            None if quantity is None else Decimal(quantity),
            NoNumber(missing) if missing else None,
            MissingQuantity(reason) if reason else None,
            None if price is None else Decimal(price),
            intern(currency) if currency else None,
        )


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription as stored: the fields that a calculation needs."""

    integration_id: str
    subscription_id: str
    name: str
    status: SubscriptionStatus
    detailed: bool
    lines: Sequence[StoredLine]
    observed_at: datetime
    run_id: str
    revision: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Reads a row; raises `KeyError`, `ValueError` or `ArithmeticError` for one that is none of ours."""
        return cls(
            intern(row["integration_id"]),
            row["subscription_id"],
            intern(row["name"]),
            SubscriptionStatus(row["status"]),
            row["detailed"],
            tuple(map(StoredLine.of, row["lines"])),
            datetime.fromisoformat(row["observed_at"]),
            intern(row["run_id"]),
            row["revision"],
        )
