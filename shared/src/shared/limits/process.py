"""Limits on what one call may do to its process."""

from shared.limits.limit import Limit

EVENT_LOOP_BLOCKED_SECONDS = Limit(
    "event-loop-blocked-seconds",
    2,
    "seconds",
    "one call that holds up the event loop",
    "degraded",
)
EVENT_LOOP_LOST_SECONDS = Limit(
    "event-loop-lost-seconds",
    120,
    "seconds",
    "the same, in looks of a thread or in CPU time: a process that is paused as a whole spends neither",
    "the process ends uncounted, its stacks in its log, to be started again",
)
