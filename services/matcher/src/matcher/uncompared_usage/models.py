"""Usage lines without a target, and what they come to for an account or a service."""

# Invariant: a sum holds what is known, and says of how many lines something is not. Currencies are never
# added, and no line is in a sum twice:
#
#   3 at 60 USD, 2 at 10 EUR, unknown at no estimate   → lines 3, seats 5, 60 USD, 10 EUR, without estimate 1
#
# A rank puts the largest amount first, whatever its currency: amounts are compared as they stand, for no rate
# is known here. Equal amounts are told apart by seats, then by lines.

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Self

from shared.contracts.base import key_of
from shared.contracts.billing import LineClass, UsageLineChanged

_EXACT = Context(prec=200)
"""Sums of many numbers of 40 digits before the point and 60 behind it."""
_MOST = 10**48
"""Millionths; what is more ranks the same."""


@dataclass(frozen=True, slots=True)
class UncomparedLine:
    """What a vendor account uses of a service, and nothing compares."""

    vendor_integration_id: str
    account_id: str
    service_id: str | None
    line_class: LineClass
    seats: Decimal | None
    """The vendor's count, or the part of it that is known; None where nothing is."""
    amount: Decimal | None
    """The estimate of what it is worth per billing period, in `currency`."""
    currency: str | None
    unknown_because: str | None
    """Why there is no estimate."""

    @property
    def is_unmapped(self) -> bool:
        """Whether a mapping is missing; the others were excluded by a person."""
        return self.line_class is LineClass.UNMAPPED


@dataclass(frozen=True, slots=True)
class StatedLine:
    """A usage line as billing states it, as far as it matters here."""

    tenant_id: str
    line_id: str
    revision: int
    line: UncomparedLine | None
    """None for a line that is compared, or is no longer present."""

    @property
    def key(self) -> str:
        return key_of(self.tenant_id, self.line_id)


@dataclass(frozen=True, slots=True)
class UsageSum:
    """What the unmapped lines of an account or a service come to."""

    lines: int = 0
    seats: Decimal = Decimal(0)
    money: dict[str, Decimal] = field(default_factory=dict)
    """By currency."""
    without_estimate: int = 0

    def plus(self, line: UncomparedLine) -> Self:
        return self._with(line, 1)

    def minus(self, line: UncomparedLine) -> Self:
        return self._with(line, -1)

    def _with(self, line: UncomparedLine, times: int) -> Self:
        money = defaultdict(Decimal, self.money)
        is_estimated = line.amount is not None and line.currency is not None
        if line.amount is not None and line.currency is not None:
            money[line.currency] = _EXACT.add(money[line.currency], _EXACT.multiply(line.amount, times))
        return type(self)(
            lines=self.lines + times,
            seats=_EXACT.add(self.seats, _EXACT.multiply(line.seats or Decimal(0), times)),
            money={currency: amount for currency, amount in money.items() if amount},
            without_estimate=self.without_estimate + (0 if is_estimated else times),
        )

    @property
    def rank(self) -> str:
        """A text that sorts what is worth most first."""
        amount = max(self.money.values(), default=Decimal(0))
        return "".join(_descending(number) for number in (amount, self.seats, Decimal(self.lines)))


@dataclass(frozen=True, slots=True)
class UncomparedUsage:
    """What is not compared because mappings are missing."""

    total: UsageSum = UsageSum()
    """Each line once: one that lacks both is in both of the others."""
    accounts: UsageSum = UsageSum()
    """Of lines whose account is not mapped."""
    services: UsageSum = UsageSum()
    """Of lines whose service is not mapped."""

    def plus(self, line: UncomparedLine, *, no_account: bool, no_service: bool) -> Self:
        return type(self)(
            total=self.total.plus(line) if no_account or no_service else self.total,
            accounts=self.accounts.plus(line) if no_account else self.accounts,
            services=self.services.plus(line) if no_service else self.services,
        )


def state_of(changed: UsageLineChanged) -> StatedLine:
    """Returns what a message says of a line: one that has a target is compared."""
    has_target = changed.psa_account_id is not None and changed.psa_product_id is not None
    line = None
    if changed.present and not has_target and changed.vendor_integration_id and changed.vendor_account_id:
        count, money = changed.vendor_count, changed.money
        line = UncomparedLine(
            vendor_integration_id=changed.vendor_integration_id,
            account_id=changed.vendor_account_id,
            service_id=changed.service_id,
            line_class=changed.line_class,
            seats=count.known_part if count.number is None else count.number,
            amount=money.amount,
            currency=money.currency,
            unknown_because=money.unknown_because,
        )
    return StatedLine(changed.tenant_id, changed.line_id, changed.revision, line)


def _descending(number: Decimal) -> str:
    millionths = min(max(int(_EXACT.scaleb(number, 6)), 0), _MOST)
    return f"{_MOST - millionths:049d}"
