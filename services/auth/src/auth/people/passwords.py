"""Hashes passwords with argon2id, on threads of its own."""

# Invariant: every sign-in costs one hash, whomever it names: how long it takes tells nothing of who exists.
# One is enough, for all members with one e-mail address share a salt: the password is hashed with it once,
# and what comes out is compared with the hash of each. Where there is no member, the salt is a new one.
#
#   ann, member of acme and demo: $argon2id$…$salt$one, $argon2id$…$salt$two   typed: $argon2id$…$salt$two
#
# The hashes are made by two threads, for each takes 64 MB and a core for a moment, and never by asyncio's
# own threads, which look names up.

import asyncio
import base64
import binascii
import hmac
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2.exceptions import HashingError, InvalidHashError

from auth.people.ports import PasswordHashes

HASHING_THREADS = 2


class PasswordHasher:
    """Argon2id with the low-memory parameters of RFC 9106; a hash takes 64 MB and a core for a moment."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        """`hasher` has other parameters, as tests do that are not about the hash."""
        self._hasher = hasher or argon2.PasswordHasher()

    def hash(self, password: str, *, like: str | None = None) -> str:
        """Returns a hash of the password, with salt and parameters of the hash `like` if it is one."""
        try:
            if like is not None:
                hasher = argon2.PasswordHasher.from_parameters(argon2.extract_parameters(like))
                return hasher.hash(password, salt=_salt(like))
        except (InvalidHashError, HashingError, ValueError):
            pass  # what is no hash fits no password, which takes as long to find out as for any other
        return self._hasher.hash(password)


class HashingPool:
    """Hashes and verifies on two threads; ended by `close`."""

    def __init__(self, hashes: PasswordHashes) -> None:
        self._hashes = hashes
        self._executor = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="password-hash")

    async def hash(self, password: str, *, like: str | None = None) -> str:
        """Returns a hash of the password, with salt and parameters of the hash `like` if there is one."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: self._hashes.hash(password, like=like)
        )

    async def verify(self, password_hashes: Sequence[str], password: str) -> list[bool]:
        """Tells of each hash whether the password fits; of those with another salt than the first's, no."""
        made = await self.hash(password, like=next(iter(password_hashes), None))
        # As bytes, for only ASCII texts are compared in constant time.
        return [hmac.compare_digest(made.encode(), each.encode()) for each in password_hashes]

    async def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _salt(password_hash: str) -> bytes:
    """Returns the salt of an encoded hash; raises ValueError when it is none."""
    encoded = password_hash.split("$")[-2]
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"{encoded!r} is no salt of a hash") from error
