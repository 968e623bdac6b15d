"""The seal: a hash of all that an approval rests on.

Not in it: ages, runs, revisions and names, which change while nothing that matters has.
"""

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

from billing.usage.usage_line import BilledLine, CountStatus, Evidence, VendorItem
from shared.contracts.base import plain
from shared.contracts.billing import Count

FORMAT = 1
"""Raised when the content changes, so that no seal of an older form is taken for one of this."""


def seal_of(line_id: str, vendor: Count, psa: Count, evidence: Evidence) -> str:
    """64 hex digits; equal exactly when counts, counting items, agreement lines and mappings are."""
    content = {
        "format": FORMAT,
        "line": line_id,
        "vendor": _count(vendor),
        "psa": _count(psa),
        "items": sorted(_item(item) for item in evidence.items if item.standing is CountStatus.COUNTING),
        "billed": sorted(_billed(billed) for billed in evidence.billed),
        "mappings": sorted([used.key, used.revision] for used in evidence.mappings),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


def _count(count: Count) -> list[Any]:
    return [_number(count.number), count.missing or "", _number(count.known_part)]


def _item(item: VendorItem) -> list[str]:
    place = [item.integration_id, item.subscription_id, item.account_id, item.service_id or ""]
    return [*place, item.status, _number(item.quantity), item.missing or ""]


def _billed(billed: BilledLine) -> list[str]:
    return [billed.integration_id, billed.line_id, billed.agreement_id, _number(billed.quantity)]


def _number(number: Decimal | None) -> str:
    return "" if number is None else plain(number)
