"""Says how soon the work of a process that died is taken over: its leases and Kafka sessions end by then.

The usual terms are long, so that a process that is merely slow keeps its work. Tests that kill processes set
`TRUEUP_TEST_TAKEOVER_SECONDS`, so that they need not wait so long; the variable can only shorten a term.
"""

import os
from datetime import timedelta

_TEST_SECONDS = os.environ.get("TRUEUP_TEST_TAKEOVER_SECONDS")


def takeover_term(usual: timedelta) -> timedelta:
    """Returns the usual term, or that of the test setting where it is shorter."""
    return min(usual, timedelta(seconds=float(_TEST_SECONDS))) if _TEST_SECONDS else usual
