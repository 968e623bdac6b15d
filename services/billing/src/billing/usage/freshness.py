"""Ages as they are now: a complete full run makes all that it confirms younger without touching a line."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from billing.usage.coverage import NOTHING_READ, Coverage
from billing.usage.usage_line import BilledLine, CountStatus, UsageLine, VendorItem
from shared.contracts.billing import Count


def aged(line: UsageLine, coverages: Mapping[str, Coverage]) -> UsageLine:
    """The line with the age of each number by what has been closed since it was reconciled."""
    evidence = line.evidence.model_copy(
        update={
            "items": tuple(_item(item, coverages) for item in line.evidence.items),
            "billed": tuple(_billed(one, coverages) for one in line.evidence.billed),
        }
    )
    counting = [item for item in evidence.items if item.standing is CountStatus.COUNTING]
    sources = line.vendor_sources
    if (
        sources is None
    ):  # stored by an older build: all its integrations; the age may be too old, never too young
        sources = tuple(one for one in line.integration_ids if one != line.psa_integration_id)
    others = set(sources) - {item.integration_id for item in counting}
    psa = [line.psa_integration_id] if line.psa_integration_id else []
    ages = {
        "vendor_count": _count(
            line.vendor_count, [*(item.as_of for item in counting), *_read(others, coverages)]
        ),
        "psa_count": _count(line.psa_count, [one.as_of for one in evidence.billed] or _read(psa, coverages)),
    }
    return line.model_copy(update={"evidence": evidence, **ages})


def _count(count: Count, moments: Iterable[datetime]) -> Count:
    return count.model_copy(update={"as_of": min(moments, default=count.as_of)})


def _read(integration_ids: Iterable[str], coverages: Mapping[str, Coverage]) -> list[datetime]:
    known = (coverages.get(one, NOTHING_READ).read_at for one in integration_ids)
    return [moment for moment in known if moment]


def _item(item: VendorItem, coverages: Mapping[str, Coverage]) -> VendorItem:
    return item.model_copy(update={"as_of": coverages.get(item.integration_id, NOTHING_READ).as_of(item)})


def _billed(one: BilledLine, coverages: Mapping[str, Coverage]) -> BilledLine:
    return one.model_copy(update={"as_of": coverages.get(one.integration_id, NOTHING_READ).as_of(one)})
