from clocks import MonotonicClock
from structlog.testing import capture_logs

from shared.kafka.dead_letter_alarm import DeadLetterAlarm


def test_the_alarm_is_over_by_itself_once_it_is_quiet() -> None:
    clock = MonotonicClock()
    alarm = DeadLetterAlarm("billing.t", "billing.dead-letter.v1", monotonic=clock)

    alarm.count(60)
    assert alarm.degradation() is None
    alarm.count(1)
    assert alarm.degradation() is not None
    clock.seconds += 59
    assert alarm.degradation() is not None
    clock.seconds += 2
    assert alarm.degradation() is None


def test_a_rate_about_the_limit_is_one_alarm() -> None:
    clock = MonotonicClock()
    alarm = DeadLetterAlarm("billing.t", "billing.dead-letter.v1", monotonic=clock)

    with capture_logs() as lines:
        for second in range(600):
            clock.seconds = 1000.0 + second
            alarm.count(2 if second % 60 < 31 else 0)

    assert [line["event"] for line in lines] == ["dead_letters_alarm"]


def test_few_letters_for_ever_are_no_alarm_and_no_memory() -> None:
    clock = MonotonicClock()
    alarm = DeadLetterAlarm("billing.t", "billing.dead-letter.v1", monotonic=clock)

    for second in range(0, 100_000, 2):
        clock.seconds = float(second)
        alarm.count(1)

    assert alarm.degradation() is None
    assert len(alarm._by_second) <= 61  # noqa: SLF001  what the head of the file promises
