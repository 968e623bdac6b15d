"""Slows down whoever guesses passwords, without locking out whom they guess at."""

# Invariant: an attempt counts as failed from its beginning until it succeeds, so many attempts at once gain
# no more guesses than one after another; one that is turned away does not count. An attempt from a device
# that has signed in to the account before waits for that device's own failures alone (OWASP, "Slow Down
# Online Guessing Attacks with Device Cookies"). Any other waits for
#
#   the account and the address together   from the fifth failure on a wait that doubles, up to a minute
#   the account, from anywhere             30 attempts, and one more every 20 s: so many addresses do not help
#   the address, at any account            60 attempts, and one more every 5 s: nor do many accounts
#
#   failures   1   2   3   4   5   6   7   8    9    10   11   12 …
#   wait (s)   0   0   0   0   1   2   4   8   16    32   60   60 …
#
# So a stranger who guesses at ann's account delays neither her device nor, from one address, a new device of
# hers elsewhere. State is kept in memory only. What an allowance holds is gone once it is full again, within
# ten minutes at most, so nobody can drive an account's out of memory by trying others; the doubling waits are
# kept for the 10,000 tried last, and who drives one out gains four guesses, which the allowances count.

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

from shared.contracts.base import opaque
from shared.limits import Limit, record_hit
from shared.limits.sign_in import SIGN_INS_PER_ACCOUNT, SIGN_INS_PER_ADDRESS, SIGN_INS_REMEMBERED
from shared.web.problems import Problem
from shared.web.security_events import SecurityEvent

_FREE_FAILURES = 4
_LONGEST_WAIT_SECONDS = 60.0
_ACCOUNT_REFILL_SECONDS = 20.0
_ADDRESS_REFILL_SECONDS = 5.0
_IPV6_HOST_BITS = 64
"""The part of an IPv6 address that one subscriber chooses freely: all that differ in it count as one."""


@dataclass(frozen=True, slots=True)
class SignInSource:
    """Who tries to sign in to which account; `device` names a device that has signed in to it before."""

    account: str
    address: str
    device: str | None = None

    @property
    def account_id(self) -> str:
        """The account as logs name it: without the e-mail address."""
        return "acc_" + opaque(self.account)

    @property
    def network(self) -> str:
        """The address as the throttle counts it: of IPv6 the site, and anything else as it is."""
        try:
            address = ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            return str(IPv6Address(int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
        return str(address)


class SignInThrottle:
    """Counts attempts by where they come from; `monotonic` returns seconds, as `time.monotonic` does."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._doubling = _DoublingWait()
        self._accounts = _Allowance(SIGN_INS_PER_ACCOUNT, _ACCOUNT_REFILL_SECONDS)
        self._addresses = _Allowance(SIGN_INS_PER_ADDRESS, _ADDRESS_REFILL_SECONDS)

    def begin_attempt(self, source: SignInSource) -> None:
        """Counts the attempt; raises a 429 Problem instead while it has to wait."""
        now = self._monotonic()
        waits = [self._doubling.wait_seconds(_pair(source), now)]
        if source.device is None:
            waits.append(self._accounts.wait_seconds(source.account, now))
            waits.append(self._addresses.wait_seconds(source.network, now))
        if wait := ceil(max(waits)):
            refusal = Problem(429, "Too many attempts", f"Try again in {wait} seconds.", retry_after=wait)
            raise refusal.logged_as(SecurityEvent.SIGN_IN_THROTTLED, account=source.account_id)
        self._doubling.count(_pair(source), now)
        if source.device is None:
            self._accounts.count(source.account, now)
            self._addresses.count(source.network, now)

    def record_success(self, source: SignInSource) -> None:
        self._doubling.forget(_pair(source))
        self._give_back(source)

    def withdraw_attempt(self, source: SignInSource) -> None:
        """Makes an attempt uncounted whose password nobody has looked at."""
        self._doubling.take_back(_pair(source))
        self._give_back(source)

    def _give_back(self, source: SignInSource) -> None:
        if source.device is None:
            self._accounts.give_back(source.account)
            self._addresses.give_back(source.network)


class _DoublingWait:
    """Makes each failure after some free ones wait twice as long as the one before."""

    def __init__(self) -> None:
        # Failures and the time from which the next attempt is let through, oldest attempt first.
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait_seconds(self, key: tuple[str, str], now: float) -> float:
        _, next_attempt_at = self._failures.get(key, (0, now))
        return max(0.0, next_attempt_at - now)

    def count(self, key: tuple[str, str], now: float) -> None:
        failures = self._failures.pop(key, (0, 0.0))[0] + 1
        excess = failures - _FREE_FAILURES - 1
        # The exponent is bounded, so that no count of failures overflows a float.
        wait = min(2.0 ** min(excess, 10), _LONGEST_WAIT_SECONDS) if excess >= 0 else 0.0
        self._failures[key] = failures, now + wait
        if len(self._failures) > SIGN_INS_REMEMBERED.most:
            record_hit(SIGN_INS_REMEMBERED)
            self._failures.popitem(last=False)

    def take_back(self, key: tuple[str, str]) -> None:
        failures, _ = self._failures.pop(key, (0, 0.0))
        if failures > 1:
            self._failures[key] = failures - 1, 0.0

    def forget(self, key: tuple[str, str]) -> None:
        self._failures.pop(key, None)


class _Allowance:
    """Lets so many attempts through at once, and one more after each interval (GCRA, a leaky bucket)."""

    def __init__(self, limit: Limit, refill_seconds: float) -> None:
        self._limit, self._refill_seconds = limit, refill_seconds
        # The time at which each is full again, the one counted longest ago first.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_seconds(self, key: str, now: float) -> float:
        spare_seconds = (self._limit.most - 1) * self._refill_seconds
        wait = max(0.0, self._full_at.get(key, now) - spare_seconds - now)
        if wait:
            record_hit(self._limit)
        return wait

    def count(self, key: str, now: float) -> None:
        self._full_at[key] = max(self._full_at.pop(key, now), now) + self._refill_seconds
        while self._full_at[oldest := next(iter(self._full_at))] <= now:
            del self._full_at[oldest]
        if len(self._full_at) > SIGN_INS_REMEMBERED.most:
            record_hit(SIGN_INS_REMEMBERED)
            # Those that lose least, being full again soonest; many at once, for sorting them takes a while.
            for soonest in sorted(self._full_at, key=self._full_at.__getitem__)[
                : SIGN_INS_REMEMBERED.most // 10
            ]:
                del self._full_at[soonest]

    def give_back(self, key: str) -> None:
        if key in self._full_at:
            self._full_at[key] -= self._refill_seconds


def _pair(source: SignInSource) -> tuple[str, str]:
    # A device's name cannot be mistaken for an address: it has a prefix that no address has.
    return source.account, f"device {source.device}" if source.device else source.network
