"""The seal of a usage line: a hash of everything that a person was shown and that money hangs on."""

# Whoever approves sends back the seal that they were shown; another by then means that something has changed:
# the counts, all items that count (shown or not) with their prices, the agreement lines with what they bill
# at, the mappings. Ages, runs and names are left out: they change while nothing that matters has (§7).
#
#   7 seats read again an hour later → same seal     8 seats, a renewed subscription of 7, or another price of
#                                                    the agreement line → another seal

import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256

from billing.usage.usage_line import BilledLine, Evidence, UsageLine, VendorItem
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.fields import plain

_FORMAT = 2
"""Raise it when the content of the seal changes, so that no older seal is taken for one of the new form."""


def seal_of(line_id: str, vendor: Count, psa: Count, evidence: Evidence) -> str:
    """64 hex digits; equal exactly when counts, counting items, agreement lines and mappings are equal."""
    content: dict[str, object] = {
        "format": _FORMAT,
        "line": line_id,
        "vendor": [_number(vendor.number), vendor.missing or "", _number(vendor.known_part)],
        "psa": [_number(psa.number), psa.missing or "", _number(psa.known_part)],
        "items": sorted(_sealed_item(item) for item in evidence.counting),
        "billed": sorted(_sealed_agreement_line(line) for line in evidence.billed),
        "mappings": sorted([mapping.key, mapping.revision] for mapping in evidence.mappings),
    }
    if evidence.more:
        content["more"] = evidence.more.seal
    # Sorted keys, no spaces, ASCII only: the same content is the same bytes on every machine.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


def seal_of_items(items: Iterable[VendorItem]) -> str:
    """64 hex digits; equal exactly when the items are, in whatever order they come."""
    seal = sha256()
    for item in sorted(items, key=_ids):
        seal.update(json.dumps(_sealed_item(item), separators=(",", ":"), ensure_ascii=True).encode())
    return seal.hexdigest()


def seals_if_billed(line: UsageLine, quantity: Decimal) -> set[str]:
    """The seals that the line would have if its agreement line billed this quantity, all else as it is.

    There is one for each form in which such a count can be approved: a number, and one that is stale.
    """
    billed = tuple(one.model_copy(update={"quantity": quantity}) for one in line.evidence.billed)
    evidence = line.evidence.model_copy(update={"billed": billed})
    counts = Count(number=quantity), Count(missing=NoNumber.STALE, known_part=quantity)
    return {seal_of(line.line_id, line.vendor_count, count, evidence) for count in counts}


def _ids(item: VendorItem) -> list[str]:
    return [item.integration_id, item.subscription_id, item.account_id, item.service_id or ""]


def _sealed_item(item: VendorItem) -> list[str]:
    ids = _ids(item)
    numbers = _numbers((item.quantity, item.unit_price))
    return [*ids, item.status, *numbers, item.currency or "", item.missing or ""]


def _sealed_agreement_line(line: BilledLine) -> list[str]:
    ids = [line.integration_id, line.line_id, line.agreement_id]
    numbers = _numbers((line.quantity, line.included, line.unit_price, line.unit_cost))
    days = [str(day or "") for day in (line.starts_on, line.ends_on)]
    return [*ids, *numbers, line.currency or "", *days]


def _numbers(numbers: Iterable[Decimal | None]) -> list[str]:
    return [_number(number) for number in numbers]


def _number(number: Decimal | None) -> str:
    return "" if number is None else plain(number)
