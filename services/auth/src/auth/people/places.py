"""Limits how many sign-ins are worked on at once: of one account, from one address, and altogether."""

# Invariant: a sign-in holds its place from before its first step until its password has been looked at. What
# is beyond is refused before anything is hashed, looked up or counted as an attempt. Nobody takes the places
# of others, however often they sign in and whatever they know:
#
#   eve's right password, 200 times at once   3 are worked on, 197 are answered 429
#   200 accounts at once, from one address    5 are worked on, 195 are answered 429
#   22 strangers from everywhere              17 are worked on, 5 are answered 503
#
# Devices that are known are counted apart, by their account alone, and the last five places are theirs: so
# neither who signs in to ann's account nor who shares her address keeps her own browser out.

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from auth.people.passwords import HASHING_THREADS
from auth.people.throttle import SignInSource
from shared.errors import TransientError
from shared.limits import Limit, record_hit
from shared.limits.sign_in import (
    SIGN_INS_AT_ONCE_PER_ACCOUNT,
    SIGN_INS_AT_ONCE_PER_ADDRESS,
    SIGN_INS_WAITING,
)
from shared.web.problems import Problem
from shared.web.security_events import SecurityEvent

_PLACES = HASHING_THREADS + SIGN_INS_WAITING.most
_PLACES_OF_KNOWN_DEVICES = 5
_RETRY_AFTER_SECONDS = 1
"""A few sign-ins are checked in less."""
_RETRY_AFTER_ALL_SECONDS = 5


class SignInPlaces:
    """Counts the sign-ins that this process works on."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, ...]] = Counter()
        """By known devices' account, strangers' account and strangers' address, and altogether by `()`."""

    @contextmanager
    def taken_by(self, source: SignInSource) -> Iterator[None]:
        """Holds a place during the block.

        Raises a 429 `Problem` when the account or the address has too many, and `TransientError` when too
        many people sign in at once.
        """
        shares = _shares(source)
        for holder, limit in shares.items():
            if self._taken[holder] >= limit.most:
                record_hit(limit)
                raise _too_many(limit, source)
        if self._taken[()] >= _PLACES - (0 if source.device else _PLACES_OF_KNOWN_DEVICES):
            record_hit(SIGN_INS_WAITING)
            raise TransientError(
                "too many people are signing in at this moment: try again",
                retry_after=_RETRY_AFTER_ALL_SECONDS,
            )
        holders = (*shares, ())
        self._taken.update(holders)
        try:
            yield
        finally:
            self._taken.subtract(holders)
            # What counts nothing is dropped, so that not everybody who ever came is remembered.
            self._taken = +self._taken


def _shares(source: SignInSource) -> dict[tuple[str, ...], Limit]:
    if source.device:
        return {("known", source.account): SIGN_INS_AT_ONCE_PER_ACCOUNT}
    return {
        ("account", source.account): SIGN_INS_AT_ONCE_PER_ACCOUNT,
        ("address", source.network): SIGN_INS_AT_ONCE_PER_ADDRESS,
    }


def _too_many(limit: Limit, source: SignInSource) -> Problem:
    at_once = "to one account" if limit is SIGN_INS_AT_ONCE_PER_ACCOUNT else "from one address"
    refusal = Problem(
        429,
        "Too many sign-ins at once",
        f"{limit} {at_once} at once: wait until they are answered.",
        retry_after=_RETRY_AFTER_SECONDS,
    )
    return refusal.logged_as(SecurityEvent.SIGN_IN_THROTTLED, account=source.account_id)
