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

from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from auth.people.passwords import HASHING_THREADS
from auth.people.throttle import SignInSource
from shared.errors import TransientError
from shared.limits import Limit
from shared.limits.sign_in import (
    SIGN_INS_AT_ONCE_PER_ACCOUNT,
    SIGN_INS_AT_ONCE_PER_ADDRESS,
    SIGN_INS_WAITING,
)
from shared.web.problems import Problem
from shared.web.security_events import SecurityEvent
from shared.web.shares import Holder, Shares

_PLACES_OF_KNOWN_DEVICES = 5
_ALL = replace(SIGN_INS_WAITING, most=HASHING_THREADS + SIGN_INS_WAITING.most)
_STRANGERS = replace(_ALL, most=_ALL.most - _PLACES_OF_KNOWN_DEVICES)
_RETRY_AFTER_SECONDS = 1
"""A few sign-ins are checked in less."""
_RETRY_AFTER_ALL_SECONDS = 5


class SignInPlaces:
    """Counts the sign-ins that this process works on."""

    def __init__(self) -> None:
        self._shares = Shares()

    def taken_by(self, source: SignInSource) -> AbstractContextManager[None]:
        """Holds a place during the block.

        Raises a 429 `Problem` when the account or the address has too many, and `TransientError` when too
        many people sign in at once.
        """
        return self._shares.hold(_places(source), partial(_refusal, source))


def _places(source: SignInSource) -> dict[Holder, Limit]:
    if source.device:
        return {("known", source.account): SIGN_INS_AT_ONCE_PER_ACCOUNT, (): _ALL}
    return {
        ("account", source.account): SIGN_INS_AT_ONCE_PER_ACCOUNT,
        ("address", source.network): SIGN_INS_AT_ONCE_PER_ADDRESS,
        (): _STRANGERS,
    }


def _refusal(source: SignInSource, limit: Limit) -> Exception:
    if limit.name == SIGN_INS_WAITING.name:
        return TransientError(
            "too many people are signing in at this moment: try again", retry_after=_RETRY_AFTER_ALL_SECONDS
        )
    at_once = "to one account" if limit is SIGN_INS_AT_ONCE_PER_ACCOUNT else "from one address"
    refusal = Problem(
        429,
        "Too many sign-ins at once",
        f"{limit} {at_once} at once: wait until they are answered.",
        retry_after=_RETRY_AFTER_SECONDS,
    )
    return refusal.logged_as(SecurityEvent.SIGN_IN_THROTTLED, account=source.account_id)
