"""States every limit on what comes in from outside, and counts how often each was hit in this process."""

from shared.limits import answers, http, kafka, messages, people, process, sign_in, streams
from shared.limits.limit import Limit, hits, record_hit

_MODULES = (messages, answers, http, streams, sign_in, kafka, process, people)

__all__ = ["Limit", "all_limits", "hits", "record_hit"]


def all_limits() -> list[Limit]:
    """Returns every limit, by module and in the order in which they stand there."""
    return [value for module in _MODULES for value in vars(module).values() if isinstance(value, Limit)]
