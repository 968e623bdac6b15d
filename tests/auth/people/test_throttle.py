import pytest

from auth.people.throttle import SignInThrottle
from shared.web.problems import Problem


class ManualClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def throttle(clock: ManualClock) -> SignInThrottle:
    return SignInThrottle(clock)


def test_guessing_becomes_ever_slower(throttle: SignInThrottle, clock: ManualClock) -> None:
    for _ in range(5):
        throttle.begin_attempt("ann")

    with pytest.raises(Problem) as raised:
        throttle.begin_attempt("ann")
    clock.seconds += 1
    throttle.begin_attempt("ann")

    with pytest.raises(Problem, match="in 2 seconds"):
        throttle.begin_attempt("ann")
    assert raised.value.status == 429
    throttle.begin_attempt("bob")


def test_a_success_ends_the_waiting(throttle: SignInThrottle) -> None:
    for _ in range(4):
        throttle.begin_attempt("ann")

    throttle.record_success("ann")

    for _ in range(5):
        throttle.begin_attempt("ann")


def test_the_longest_wait_is_a_minute(throttle: SignInThrottle, clock: ManualClock) -> None:
    for _ in range(30):
        throttle.begin_attempt("ann")
        clock.seconds += 60

    throttle.begin_attempt("ann")
