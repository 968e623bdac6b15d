"""Recomputes the ages of a line when it is read, because closing a run stores no line again."""

# Storing every line again after each run, only to make it younger, would cost as much as the first sync. So
# ages are computed again whenever a line is read, by the same functions that the calculation uses.
#
#   stored as of the 1st, a full run on the 5th published nothing about it   → shown as of the 5th

from billing.usage.coverage import Coverages
from billing.usage.psa_count import billed_as_of
from billing.usage.usage_line import Evidence, UsageLine
from billing.usage.vendor_count import contributors_of, oldest_as_of
from shared.contracts.billing import Count


def with_current_ages(line: UsageLine, coverages: Coverages) -> UsageLine:
    """The line with each `as_of` brought up to the runs that were closed since the line was calculated."""
    items = [
        item.model_copy(update={"as_of": coverages[item.integration_id].as_of(item)})
        for item in line.evidence.items
    ]
    billed = [
        agreement_line.model_copy(
            update={"as_of": coverages[agreement_line.integration_id].as_of(agreement_line)}
        )
        for agreement_line in line.evidence.billed
    ]
    evidence = line.evidence.model_copy(update={"items": tuple(items), "billed": tuple(billed)})
    sources = line.vendor_sources
    if sources is None:
        # An older build stored the line: all its vendor integrations may count. The age shown may then be too
        # old and is never too young; the next calculation stores the sources.
        sources = tuple(one for one in line.integration_ids if one != line.psa_integration_id)
    vendor_as_of = oldest_as_of(contributors_of(evidence.counting, sources, coverages))
    psa_as_of = billed_as_of(billed, coverages[line.psa_integration_id]) if line.psa_integration_id else None
    changes: dict[str, Evidence | Count] = {"evidence": evidence}
    if vendor_as_of:
        changes["vendor_count"] = line.vendor_count.model_copy(update={"as_of": vendor_as_of})
    if psa_as_of:
        changes["psa_count"] = line.psa_count.model_copy(update={"as_of": psa_as_of})
    return line.model_copy(update=changes)
