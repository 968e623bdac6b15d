"""Signing in: the same answer for a wrong password and for nobody, ever slower for whoever keeps guessing."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.people.models import Member, PasswordHashes, Tenant
from auth.people.tokens import TokenSigner
from auth.providers.ports import Clock, PeopleStore
from shared.web.person import Person, Role
from shared.web.problems import FieldError, Problem

_FREE_FAILURES = 5
_LONGEST_WAIT = 60.0
_REMEMBERED = 10_000
# Each takes 64 MB and a core for a moment.
_HASHES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Session:
    """A token and whose it is."""

    token: str
    expires_at: datetime
    person: Person


class SignInService:
    """Local accounts."""

    def __init__(
        self,
        people: PeopleStore,
        passwords: PasswordHashes,
        signer: TokenSigner,
        *,
        now: Clock,
        tick: Callable[[], float],
    ) -> None:
        self._people, self._passwords, self._signer, self._now = people, passwords, signer, now
        self._throttle = SignInThrottle(tick)
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)

    async def seed(self, tenants: tuple[Tenant, ...], admin: Member, password: str) -> None:
        """Tenants and the first admin as the settings say; a password that still fits keeps its hash."""
        await self._people.save_tenants(tenants)
        before = await self._people.known(admin.email, admin.tenant_id)
        kept = before[0].password_hash if before else None
        if not await self._match(kept, password):
            kept = await asyncio.to_thread(self._passwords.hashed, password)
        await self._people.save(Member(admin.tenant_id, admin.email, admin.name, Role.ADMIN, kept or ""))

    async def sign_in(self, email: str, password: str, tenant_id: str | None) -> Session:
        """Raises a 401 Problem, 429 for who failed too often, 409 when the tenant must be named."""
        email = email.strip().lower()
        self._throttle.enter(email)
        known = await self._people.known(email, tenant_id)
        fitting = [one for one in known if await self._match(one.password_hash, password)]
        if not known:
            await self._match(None, password)
        if not fitting:
            raise Problem(401, "Not signed in", "The e-mail address or the password is wrong.")
        self._throttle.succeeded(email)
        if len(fitting) > 1:
            raise _which(fitting)
        token, expires_at = self._signer.sign(fitting[0].person, self._now())
        return Session(token, expires_at, fitting[0].person)

    def published_keys(self) -> dict[str, Any]:
        """The JWKS that every service verifies tokens with."""
        return self._signer.published()

    async def _match(self, password_hash: str | None, password: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(self._passwords.match, password_hash, password)


class SignInThrottle:
    """Counts an attempt as failed until it succeeds, so that many at once gain nothing."""

    def __init__(self, tick: Callable[[], float]) -> None:
        self._tick = tick
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def enter(self, who: str) -> None:
        """Raises a 429 Problem while the wait of the last failures is not over."""
        count, free_at = self._failures.pop(who, (0, 0.0))
        now = self._tick()
        if now < free_at:
            self._failures[who] = count, free_at
            raise Problem(429, "Too many attempts", f"Try again in {free_at - now:.0f} seconds.")
        excess = count + 1 - _FREE_FAILURES
        wait = min(2.0 ** min(excess, 10), _LONGEST_WAIT) if excess >= 0 else 0.0
        self._failures[who] = count + 1, now + wait
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, who: str) -> None:
        self._failures.pop(who, None)


def _which(members: list[Member]) -> Problem:
    tenants = ", ".join(member.tenant_id for member in members)
    return Problem(
        409,
        "Which tenant?",
        f"This person belongs to {tenants}: send tenant_id.",
        fields=[FieldError("tenant_id", f"one of {tenants}")],
    )
