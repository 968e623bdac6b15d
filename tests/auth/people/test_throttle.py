from collections.abc import Iterable

import pytest
from clocks import MonotonicClock

from auth.people.throttle import SignInSource, SignInThrottle
from shared.web.problems import Problem


@pytest.fixture
def clock() -> MonotonicClock:
    return MonotonicClock()


@pytest.fixture
def throttle(clock: MonotonicClock) -> SignInThrottle:
    return SignInThrottle(clock)


def from_home(account: str, device: str | None = None) -> SignInSource:
    return SignInSource(account, "192.0.2.7", device)


def attempts_let_through(throttle: SignInThrottle, sources: Iterable[SignInSource]) -> int:
    """How many of these attempts, made at once, are let through."""
    return sum(is_let_through(throttle, source) for source in sources)


def is_let_through(throttle: SignInThrottle, source: SignInSource) -> bool:
    try:
        throttle.begin_attempt(source)
    except Problem:
        return False
    return True


def test_guessing_becomes_ever_slower(throttle: SignInThrottle, clock: MonotonicClock) -> None:
    for _ in range(5):
        throttle.begin_attempt(from_home("ann"))

    with pytest.raises(Problem) as raised:
        throttle.begin_attempt(from_home("ann"))
    clock.seconds += 1
    throttle.begin_attempt(from_home("ann"))

    with pytest.raises(Problem, match="in 2 seconds"):
        throttle.begin_attempt(from_home("ann"))
    assert raised.value.status == 429
    throttle.begin_attempt(from_home("bob"))


def test_a_success_ends_the_waiting(throttle: SignInThrottle) -> None:
    for _ in range(4):
        throttle.begin_attempt(from_home("ann"))

    throttle.record_success(from_home("ann"))

    for _ in range(5):
        throttle.begin_attempt(from_home("ann"))


def test_attempts_that_nobody_could_judge_are_no_failures(throttle: SignInThrottle) -> None:
    for _ in range(100):
        throttle.begin_attempt(from_home("ann"))
        throttle.withdraw_attempt(from_home("ann"))

    for _ in range(5):
        throttle.begin_attempt(from_home("ann"))
    with pytest.raises(Problem, match="Try again in 1 second"):
        throttle.begin_attempt(from_home("ann"))


def test_the_longest_wait_is_a_minute(throttle: SignInThrottle, clock: MonotonicClock) -> None:
    for _ in range(30):
        throttle.begin_attempt(from_home("ann"))
        clock.seconds += 60

    throttle.begin_attempt(from_home("ann"))


def test_a_stranger_cannot_lock_a_person_out(throttle: SignInThrottle) -> None:
    guesses = [SignInSource("ann", "203.0.113.9")] * 100

    assert attempts_let_through(throttle, guesses) == 5
    assert is_let_through(throttle, from_home("ann", device="d1"))
    assert is_let_through(throttle, from_home("ann"))


def test_many_addresses_guess_no_faster_at_one_account_and_its_own_devices_are_spared(
    throttle: SignInThrottle, clock: MonotonicClock
) -> None:
    botnet = [SignInSource("ann", f"198.51.{number // 250}.{number % 250}") for number in range(1_000)]

    assert attempts_let_through(throttle, botnet) == 30
    assert is_let_through(throttle, from_home("ann", device="d1"))
    clock.seconds += 20
    assert attempts_let_through(throttle, botnet) == 1
    clock.seconds += 3_600
    assert attempts_let_through(throttle, botnet[500:]) == 30


def test_one_address_tries_no_more_accounts_than_its_allowance(
    throttle: SignInThrottle, clock: MonotonicClock
) -> None:
    accounts = [SignInSource(f"person{number}", "203.0.113.9") for number in range(1_000)]

    assert attempts_let_through(throttle, accounts) == 60
    clock.seconds += 5
    assert attempts_let_through(throttle, accounts[100:]) == 1
    assert is_let_through(throttle, from_home("person0"))


def test_random_accounts_do_not_drive_an_accounts_failures_out_of_memory(
    throttle: SignInThrottle, clock: MonotonicClock
) -> None:
    botnet = [SignInSource("ann", f"198.51.100.{number}") for number in range(30)]
    assert attempts_let_through(throttle, botnet) == 30

    flood = (
        SignInSource(f"random{number}", f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1")
        for number in range(11_000)
    )
    for source in flood:  # faster than passwords can be hashed
        clock.seconds += 0.0005
        throttle.begin_attempt(source)

    assert not is_let_through(throttle, SignInSource("ann", "198.51.100.99"))
    assert not is_let_through(throttle, SignInSource("ann", "198.51.100.0"))


def test_a_device_that_guesses_is_slowed_too(throttle: SignInThrottle) -> None:
    assert attempts_let_through(throttle, [from_home("ann", device="stolen")] * 100) == 5
    assert is_let_through(throttle, from_home("ann", device="another"))


def test_an_ipv6_site_counts_as_one_address(throttle: SignInThrottle) -> None:
    site = [SignInSource("ann", f"2001:db8:1:2::{number:x}") for number in range(1, 101)]

    assert attempts_let_through(throttle, site) == 5
    assert is_let_through(throttle, SignInSource("ann", "2001:db8:1:3::1"))


def test_an_ipv4_address_written_as_ipv6_is_the_same(throttle: SignInThrottle) -> None:
    assert attempts_let_through(throttle, [from_home("ann")] * 5) == 5
    assert not is_let_through(throttle, SignInSource("ann", "::ffff:192.0.2.7"))
    assert is_let_through(throttle, SignInSource("ann", "no address at all"))


def test_signing_in_rightly_costs_no_allowance(throttle: SignInThrottle) -> None:
    for number in range(200):  # an office behind one address
        throttle.begin_attempt(from_home(f"person{number}"))
        throttle.record_success(from_home(f"person{number}"))


def test_an_attempt_that_is_turned_away_does_not_prolong_the_wait(
    throttle: SignInThrottle, clock: MonotonicClock
) -> None:
    for _ in range(5):
        throttle.begin_attempt(from_home("ann"))
    for _ in range(1_000):
        assert not is_let_through(throttle, from_home("ann"))

    clock.seconds += 1
    assert is_let_through(throttle, from_home("ann"))
