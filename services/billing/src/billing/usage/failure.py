"""A line whose account group could not be calculated: it says so, and its old numbers are numbers no more."""

# Invariant: what cannot be calculated is not what it was. The line keeps its evidence and the part that was
# known, has another seal than any calculated line, and nobody can approve it.
#
#   7 of acme, 5 billed; then a row of acme cannot be read → failed, known part 7 | failed, known part 5

from datetime import datetime

from billing.usage.seal import seal_of
from billing.usage.usage_line import UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count, LineClass, MoneyEffect

_DETAIL = "it could not be calculated, for an error of ours that the log names: it is tried again"


def failed_line(line: UsageLine, now: datetime) -> UsageLine:
    """The stored line, as it stands while its account group cannot be calculated."""
    vendor = _failed(line.vendor_count)
    # Without a target there is nothing in a PSA that could have failed.
    psa = _failed(line.psa_count) if line.psa_integration_id else line.psa_count
    changes = {
        "vendor_count": vendor,
        "psa_count": psa,
        "line_class": LineClass.NO_VERDICT,
        "reason": NoNumber.FAILED.value,
        "money": MoneyEffect(unknown_because="the line could not be calculated"),
        "preview": None,
        "seal": seal_of(line.line_id, vendor, psa, line.evidence),
        # The request that failed is in the queue: nothing else need remind of the line.
        "recheck_at": None,
        "changed_at": now,
    }
    return line.model_copy(update=changes)


def has_failed(line: UsageLine) -> bool:
    """Whether the line stands for a group that could not be calculated."""
    return line.vendor_count.missing is NoNumber.FAILED


def _failed(count: Count) -> Count:
    known = count.known_part if count.number is None else count.number
    return Count(missing=NoNumber.FAILED, known_part=known, detail=_DETAIL, as_of=count.as_of)
