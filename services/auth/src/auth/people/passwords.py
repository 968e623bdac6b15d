"""Hashes passwords with argon2id, on threads of its own."""

# Invariant: every sign-in costs the same number of hashes, whomever it names: how long it takes tells nothing
# of who exists. They are made by two threads, for each hash takes 64 MB and a core for a moment, and never by
# asyncio's own threads, which look names up. A few sign-ins wait for a thread; the last places are kept for
# devices that are known, so that strangers cannot fill them all:
#
#   2 hashing, 15 waiting: a stranger is asked to come back, ann's own browser waits as the 16th

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from auth.people.models import MOST_MEMBERS
from auth.people.ports import PasswordHashes
from shared.errors import TransientError
from shared.limits import record_hit
from shared.limits.sign_in import SIGN_INS_WAITING

T = TypeVar("T")

_THREADS = 2
_PLACES_OF_KNOWN_DEVICES = 5
_RETRY_AFTER_SECONDS = 5


class PasswordHasher:
    """Argon2id with the low-memory parameters of RFC 9106; a hash takes 64 MB and a core for a moment."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()
        self._hash_of_nobody = self.hash("nobody's password")

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; without a hash never, but only after as long as for a wrong password."""
        against = self._hash_of_nobody if password_hash is None else password_hash
        try:
            fits = self._hasher.verify(against, password)
        except (VerificationError, InvalidHashError):
            return False
        return fits and password_hash is not None


class HashingPool:
    """Hashes and verifies on two threads; ended by `close`."""

    def __init__(self, hashes: PasswordHashes) -> None:
        self._hashes = hashes
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="password-hash")
        self._admitted = 0

    @contextmanager
    def admit(self, *, known_device: bool) -> Iterator[None]:
        """Holds a place during the block; raises `TransientError` when too many wait already."""
        places = _THREADS + SIGN_INS_WAITING.most - (0 if known_device else _PLACES_OF_KNOWN_DEVICES)
        if self._admitted >= places:
            record_hit(SIGN_INS_WAITING)
            raise TransientError(
                "too many people are signing in at this moment: try again", retry_after=_RETRY_AFTER_SECONDS
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hashes.hash(password))

    async def verify(self, password_hashes: Sequence[str], password: str) -> list[bool]:
        """Tells of each hash whether the password fits, after as many hashes as anybody may have."""
        padding = [None] * (MOST_MEMBERS - len(password_hashes))
        fits = await self._run(
            lambda: [self._hashes.verify(each, password) for each in (*password_hashes, *padding)]
        )
        return fits[: len(password_hashes)]

    async def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
