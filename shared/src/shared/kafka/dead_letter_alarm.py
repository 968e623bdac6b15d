"""Raises an alarm when a consumer sets messages aside in numbers, and takes it back when that is over."""

# Invariant: one storm is one alarm, however many messages it has. Letters are counted by the whole second of
# the monotonic clock, so at most 61 numbers are kept. The alarm begins above the limit of a minute, and ends
# once the last minute brought at most half of it, so that a rate about the limit is one alarm as well:
#
#   0 s: 40 letters   10 s: 30 more, 70 in the minute → alarm   61 s: 30 are left of the minute → over

import structlog

from shared.limits import record_hit
from shared.limits.kafka import DEAD_LETTERS_A_MINUTE
from shared.runtime.clock import MonotonicSeconds, monotonic_seconds

log = structlog.get_logger()

_WINDOW_SECONDS = 60


class DeadLetterAlarm:
    """Counts the dead letters of one consumer group."""

    def __init__(
        self, group: str, dead_letter_topic: str, *, monotonic: MonotonicSeconds = monotonic_seconds
    ) -> None:
        self._group, self._dead_letter_topic, self._monotonic = group, dead_letter_topic, monotonic
        self._by_second: dict[int, int] = {}
        self._raised = False

    def count(self, letters: int) -> None:
        """Counts letters that Kafka has acknowledged; logs one alarm when they become too many."""
        already = self._in_the_last_minute()
        second = int(self._monotonic())
        self._by_second[second] = self._by_second.get(second, 0) + letters
        if not self._raised and already + letters > DEAD_LETTERS_A_MINUTE.most:
            self._raised = True
            record_hit(DEAD_LETTERS_A_MINUTE)
            log.error("dead_letters_alarm", group=self._group, in_the_last_minute=already + letters)

    def degradation(self) -> str | None:
        """Returns what happens and what to do about it, while there are too many dead letters."""
        letters = self._in_the_last_minute()
        if not self._raised:
            return None
        return (
            f"group {self._group} set {letters:,} messages of its topic aside in the last minute: look into "
            f"{self._dead_letter_topic} for the reason; if the fault is ours, pause the consumer, deploy the "
            "fix and replay them (deploy/README.md, Dead letters)"
        )

    def _in_the_last_minute(self) -> int:
        oldest = int(self._monotonic()) - _WINDOW_SECONDS
        self._by_second = {second: count for second, count in self._by_second.items() if second > oldest}
        letters = sum(self._by_second.values())
        if self._raised and letters <= DEAD_LETTERS_A_MINUTE.most // 2:
            self._raised = False
            log.info("dead_letters_alarm_over", group=self._group)
        return letters
