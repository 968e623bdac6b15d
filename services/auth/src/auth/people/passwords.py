"""Hashes passwords with argon2id."""

from functools import cached_property

import argon2
from argon2.exceptions import InvalidHashError, VerificationError


class PasswordHasher:
    """Argon2id with the low-memory parameters of RFC 9106; a hash takes 64 MB and a core for a moment."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()

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

    @cached_property
    def _hash_of_nobody(self) -> str:
        return self.hash("nobody's password")
