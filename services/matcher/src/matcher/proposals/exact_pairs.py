"""Finds which items of two plain lists map themselves: the exact rule, for items outside the catalogue."""

# Invariant: as in `mappings/exact.py`, a pair is exact when both carry a label that no other item of
# their list carries; the part number is tried first, then the name; case and spaces count. A pair whose
# evidence says that they are two is none: equal names of two firms do exist.
#
#   vendor: Contoso, Fabrikam, Fabrikam      PSA: Contoso, Fabrikam      → Contoso alone

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from matcher.catalogue.items import label_of
from matcher.proposals.contradictions import account_contradiction, service_contradiction
from matcher.proposals.records import AccountRecord, ServiceRecord

Record = TypeVar("Record", AccountRecord, ServiceRecord)


def exact_accounts(vendor: Sequence[AccountRecord], psa: Sequence[AccountRecord]) -> dict[str, str]:
    """Returns PSA id by vendor id of the accounts that map themselves."""
    return _pairs(vendor, psa, [lambda one: label_of(one.name)], account_contradiction)


def exact_services(vendor: Sequence[ServiceRecord], psa: Sequence[ServiceRecord]) -> dict[str, str]:
    """Returns product id by service id of the services that map themselves."""
    labels = [lambda one: label_of(one.code), lambda one: label_of(one.name)]
    return _pairs(vendor, psa, labels, service_contradiction)


def _pairs(
    vendor: Sequence[Record],
    psa: Sequence[Record],
    labels: Sequence[Callable[[Record], str]],
    contradiction: Callable[[Record, Record], str],
) -> dict[str, str]:
    pairs = dict[str, str]()
    for label in labels:
        theirs = _alone(psa, label)
        for text, item in _alone(vendor, label).items():
            if text in theirs and not contradiction(item, theirs[text]):
                pairs.setdefault(item.id, theirs[text].id)
    return pairs


def _alone(items: Sequence[Record], label: Callable[[Record], str]) -> Mapping[str, Record]:
    counts = Counter(label(item) for item in items)
    return {label(item): item for item in items if label(item) and counts[label(item)] == 1}
