"""What the vendor says is bought. No number is not zero: each kind of "no number" keeps its name."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from billing.usage.account_group import TenantContext
from billing.usage.usage_line import CountStatus, VendorItem
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count

MIXED = "mixed"

_WHY = {NoNumber.UNREAD: "the vendor was not completely read yet"}


def vendor_count(
    items: Sequence[VendorItem], sources: Iterable[str], knowledge: TenantContext, now: datetime
) -> Count:
    """The sum of what counts; `sources` are the integrations that could sell it to these accounts.

    That a source sells none of it is a claim about what is *not* there, so it needs a complete run of it.
    """
    figures = list(figures_of(items, sources, knowledge))
    as_of = min((moment for _, moment in figures if moment), default=None)
    counting = [item for item in items if item.standing is CountStatus.COUNTING]
    known = sum((item.quantity for item in counting if item.quantity is not None), Decimal(0))
    missing = _missing(counting, figures, knowledge, now)
    if missing:
        return Count(missing=missing, known_part=known, detail=_detail(missing, counting), as_of=as_of)
    if counting:
        return Count(number=known, as_of=as_of)
    gone = bool(items) and all(item.standing is CountStatus.ABSENT for item in items)
    return Count(number=known, missing=NoNumber.ABSENT if gone else None, as_of=as_of)


def figures_of(
    items: Iterable[VendorItem], sources: Iterable[str], knowledge: TenantContext
) -> Iterator[tuple[str, datetime | None]]:
    """The integrations that the count rests on, each with the age of its figure.

    One that was disconnected and sells none of it says nothing against what others sell.
    """
    counting = [item for item in items if item.standing is CountStatus.COUNTING]
    yield from ((item.integration_id, item.as_of) for item in counting)
    for source in sorted(set(sources) - {item.integration_id for item in counting}):
        if not (counting and knowledge.disconnected(source)):
            yield source, knowledge.coverage(source).read_at


def _missing(
    counting: Sequence[VendorItem],
    figures: Sequence[tuple[str, datetime | None]],
    knowledge: TenantContext,
    now: datetime,
) -> NoNumber | None:
    if any(knowledge.disconnected(integration_id) for integration_id, _ in figures):
        return NoNumber.NOT_CONNECTED
    if any(item.missing is NoNumber.UNREAD for item in counting):
        return NoNumber.UNREAD
    if any(moment is None for _, moment in figures):
        return NoNumber.UNREAD
    if any(item.missing for item in counting):
        return NoNumber.UNQUANTIFIED
    if any(moment and now >= knowledge.fresh_until(name, moment) for name, moment in figures):
        return NoNumber.STALE
    return None


def _detail(missing: NoNumber, counting: Sequence[VendorItem]) -> str | None:
    """A sum of which only a part is known is told as such."""
    if missing is not NoNumber.UNQUANTIFIED:
        return next((item.detail for item in counting if item.missing is missing), _WHY.get(missing))
    known = any(item.quantity is not None for item in counting)
    return MIXED if known else next((item.detail for item in counting if item.missing), None)
