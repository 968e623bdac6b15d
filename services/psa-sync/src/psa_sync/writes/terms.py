"""Compares a line as it is now with what a person was shown of it when they approved a quantity; pure."""

# Invariant: a quantity is right for the line that was looked at, and for no other one. Of everything that was
# shown only the quantity may change by itself (`decide` compares it), and each other difference is named with
# both values, so that whoever reads the refusal need not look for it:
#
#   approved: product 512 at 3.5, 8 → 10     now: product 513 at 4, 8
#   → "its product is 513, not 512 as approved; its unit price is 4, not 3.5 as approved"
#
# Whether a line is open is judged on the tenant's day. That of the approval and its end come with the
# command, for only billing knows the tenant's time zone:
#
#   approved 23:50, line ends on the next day     sent 23:55 → open     sent 00:05 → closed, refused

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from psa_sync.psa import PsaLine
from shared.contracts.fields import plain
from shared.contracts.psa_sync import WriteQuantity
from shared.contracts.quantity_write import LineTerms


def changed_terms(command: WriteQuantity, line: PsaLine, now: datetime) -> str | None:
    """Returns what differs from the approval besides the quantity, as a sentence; None when nothing does."""
    # Past its time nothing is sent any more: a line that ends later does not contradict what was sent.
    day = _day(command, min(now, command.valid_until))
    changes = [*_changes(command, _terms_of(line, command.tenant_currency))]
    if line.agreement.agreement_id != command.agreement_id:
        changes.append(_change("agreement", command.agreement_id, line.agreement.agreement_id))
    if not _is_open(line, day):
        changes.append(f"it is not open on {day} ({_span(line)})")
    return "; ".join(changes) or None


def _changes(command: WriteQuantity, now: LineTerms) -> Iterator[str]:
    for name in LineTerms.model_fields:
        approved, current = getattr(command.terms, name), getattr(now, name)
        if approved != current:
            yield _change(_NOUNS[name], approved, current)


_NOUNS = {
    "account_id": "company",
    "product_id": "product",
    "billable": "billable flag",
    "included": "number of included units",
    "unit_price": "unit price",
    "unit_cost": "unit cost",
    "currency": "currency",
}


def _terms_of(line: PsaLine, tenant_currency: str | None) -> LineTerms:
    return LineTerms(
        account_id=line.agreement.company_id,
        product_id=line.product_id,
        billable=line.billable,
        included=line.included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        currency=line.agreement.currency or tenant_currency,
    )


def _change(noun: str, approved: object, current: object) -> str:
    return f"its {noun} is {_text(current)}, not {_text(approved)} as approved"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "unset"
    return plain(value) if isinstance(value, Decimal) else str(value)


def _day(command: WriteQuantity, moment: datetime) -> date:
    """Returns the tenant's day at a moment of the command's validity, which meets one midnight at most."""
    return command.day if moment < command.day_ends_at else command.day + timedelta(days=1)


def _is_open(line: PsaLine, day: date) -> bool:
    return (line.starts_on is None or line.starts_on <= day) and (line.ends_on is None or day < line.ends_on)


def _span(line: PsaLine) -> str:
    return f"it bills from {line.starts_on or 'ever'} until before {line.ends_on or 'ever'}"
