"""Signs people in; who guesses learns nothing, and waits ever longer."""

# Invariant: a wrong password and an unknown address get the same answer after the same time, one password
# hash; only somebody who knows a password learns in which tenants it is valid:
#   ann@x.example, wrong, member of demo          → 401 "The e-mail address or the password is wrong."
#   bob@x.example, member of nothing              → 401, the same sentence
#   ann@x.example, right, member of demo and acme → 409 "belongs to acme, demo: send tenant_id"

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from auth.people.models import IssuedToken, Member, Tenant
from auth.people.passwords import PasswordHasher
from auth.people.ports import PeopleStore
from auth.people.throttle import SignInThrottle
from auth.people.tokens import TokenSigner
from shared.web.problems import FieldError, Problem

_HASHES_AT_ONCE = 2
"""Each takes 64 MB and a core for a moment: sign-ins must not take the whole process."""


class SignInService:
    """Signs local accounts in; `monotonic` returns seconds, as `time.monotonic` does."""

    def __init__(
        self,
        people: PeopleStore,
        passwords: PasswordHasher,
        signer: TokenSigner,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._people, self._passwords, self._signer, self._now = people, passwords, signer, now
        self._throttle = SignInThrottle(monotonic)
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)

    async def seed(self, tenants: Sequence[Tenant], admin: Member, password: str) -> None:
        """Saves the settings' tenants and first admin; a password that still fits keeps its hash."""
        await self._people.save_tenants(tenants)
        existing = await self._people.find(admin.email, admin.tenant_id)
        password_hash = existing[0].password_hash if existing else None
        if password_hash is None or not await self._verify(password_hash, password):
            password_hash = await asyncio.to_thread(self._passwords.hash, password)
        await self._people.save(replace(admin, password_hash=password_hash))

    async def sign_in(self, email: str, password: str, tenant_id: str | None) -> IssuedToken:
        """Returns a token for the one member whom address and password fit.

        Raises a 401 Problem when they fit nobody, 409 when they fit members of several tenants, and 429 after
        too many failures.
        """
        email = email.strip().lower()
        # Before the first await, so that attempts made at once are counted one after another.
        self._throttle.begin_attempt(email)
        members = await self._people.find(email, tenant_id)
        fitting = [member for member in members if await self._verify(member.password_hash, password)]
        if not members:
            # An unknown address must cost the time of one hash as well.
            await self._verify(None, password)
        if not fitting:
            raise Problem(401, "Not signed in", "The e-mail address or the password is wrong.")
        self._throttle.record_success(email)
        if len(fitting) > 1:
            raise _tenant_needed(fitting)
        return self._signer.sign(fitting[0].person, self._now())

    def published_keys(self) -> dict[str, Any]:
        """Returns the JWKS that every service verifies tokens with."""
        return self._signer.published_keys()

    async def _verify(self, password_hash: str | None, password: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(self._passwords.verify, password_hash, password)


def _tenant_needed(members: Sequence[Member]) -> Problem:
    tenants = ", ".join(member.tenant_id for member in members)
    return Problem(
        409,
        "Which tenant?",
        f"This person belongs to {tenants}: send tenant_id.",
        fields=[FieldError("tenant_id", f"one of {tenants}")],
    )
