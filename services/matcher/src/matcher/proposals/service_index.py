"""Keeps two lists of services and products, and compares them anew when one of them has changed."""

# Invariant: as of `AccountIndex`. What a word of a product means hangs on all services (which vendors there
# are, which words), so a change compares all of them; the lists are a hundredth of those of accounts.

from collections.abc import Mapping

from matcher.proposals.engine import Proposal, propose_services, shown
from matcher.proposals.records import ServiceRecord

ServiceChanges = Mapping[str, ServiceRecord | None]
"""Services or products by id as they are now; None for one that is gone."""


class ServiceIndex:
    """What is proposed for the services of one marketplace, from one change to the next."""

    def __init__(self) -> None:
        self._vendor, self._psa = dict[str, ServiceRecord](), dict[str, ServiceRecord]()
        self.proposals = dict[str, list[Proposal]]()
        """By vendor id, with reasons, the likeliest first; those without any are left out."""

    def update(self, vendor: ServiceChanges, psa: ServiceChanges) -> set[str]:
        """Takes in changes; returns the vendor ids of which something else is proposed now."""
        if not any([_apply(self._vendor, vendor), _apply(self._psa, psa)]):
            return set()
        former = self.proposals
        found = propose_services(list(self._vendor.values()), list(self._psa.values()), explained=True)
        self.proposals = {id_: listed for id_, listed in found.items() if listed}
        return {id_ for id_ in found if shown(former.get(id_, ())) != shown(found[id_])}


def _apply(records: dict[str, ServiceRecord], changes: ServiceChanges) -> bool:
    """Takes in changes; returns whether anything differs."""
    changed = {id_: record for id_, record in changes.items() if records.get(id_) != record}
    for id_, record in changed.items():
        if record is None:
            del records[id_]
        else:
            records[id_] = record
    return bool(changed)
