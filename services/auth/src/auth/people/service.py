"""Signs people in; who guesses learns nothing, and waits ever longer."""

# Invariant: a wrong password and an unknown address get the same answer after the same steps and one hash;
# only somebody who knows a password learns in which tenants it is valid:
#   ann@x.example, wrong, member of demo          → 401 "The e-mail address or the password is wrong."
#   bob@x.example, member of nothing              → 401, the same sentence
#   ann@x.example, right, member of demo and acme → 409 "belongs to acme, demo: send tenant_id"

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from auth.people.device_tokens import DeviceTokens
from auth.people.models import DeviceSession, Member, Tenant
from auth.people.passwords import HashingPool
from auth.people.places import SignInPlaces
from auth.people.ports import PasswordHashes, PeopleStore
from auth.people.throttle import SignInSource, SignInThrottle
from auth.people.tokens import TokenSigner
from shared.errors import TransientError
from shared.web.problems import FieldError, Problem
from shared.web.security_events import SecurityEvent


class SignInService:
    """Signs local accounts in; `monotonic` returns seconds, as `time.monotonic` does."""

    def __init__(
        self,
        people: PeopleStore,
        passwords: PasswordHashes,
        signer: TokenSigner,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._people, self._signer, self._now = people, signer, now
        self._passwords, self._places = HashingPool(passwords), SignInPlaces()
        self._devices = DeviceTokens(signer.derived_key(b"trueup device tokens"), now)
        self._throttle = SignInThrottle(monotonic)

    async def seed(self, tenants: Sequence[Tenant], admin: Member, password: str) -> None:
        """Saves the settings' tenants and first admin; a password that still fits keeps its hash."""
        await self._people.save_tenants(tenants)
        # All members with one address share a salt: that of the first, which sign-in looks at.
        members = await self._people.find(admin.email, None)
        like = members[0].password_hash if members else None
        password_hash = await self._passwords.hash(password, like=like)
        await self._people.save(replace(admin, password_hash=password_hash))

    async def sign_in(
        self, email: str, password: str, tenant_id: str | None, *, address: str, device_token: str = ""
    ) -> DeviceSession:
        """Returns a token for the one member whom e-mail and password fit, and one for the device.

        `address` is where the request comes from. Raises a 401 Problem when they fit nobody, 409 when they
        fit members of several tenants, 429 after too many failures or with too many attempts at once, and
        `TransientError` when too many people sign in at once.
        """
        account = email.strip().lower()
        source = SignInSource(account, address, self._devices.device_of(device_token, account))
        with self._places.taken_by(source):
            # Before the first await, so that attempts made at once are counted one after another.
            self._throttle.begin_attempt(source)
            try:
                members = await self._people.find(account, tenant_id)
            except TransientError:
                self._throttle.withdraw_attempt(source)
                raise
            fits = await self._passwords.verify([member.password_hash for member in members], password)
        fitting = [member for member, fit in zip(members, fits, strict=True) if fit]
        if not fitting:
            refusal = Problem(401, "Not signed in", "The e-mail address or the password is wrong.")
            raise refusal.logged_as(SecurityEvent.SIGN_IN_FAILED, account=source.account_id)
        self._throttle.record_success(source)
        if len(fitting) > 1:
            raise _tenant_needed(fitting)
        issued = self._signer.sign(fitting[0].person, self._now())
        return DeviceSession(issued, self._devices.issue(account, source.device))

    def published_keys(self) -> dict[str, Any]:
        """Returns the JWKS that every service verifies tokens with."""
        return self._signer.published_keys()

    async def close(self) -> None:
        await self._passwords.close()


def _tenant_needed(members: Sequence[Member]) -> Problem:
    tenants = ", ".join(member.tenant_id for member in members)
    return Problem(
        409,
        "Which tenant?",
        f"This person belongs to {tenants}: send tenant_id.",
        fields=[FieldError("tenant_id", f"one of {tenants}")],
    )
