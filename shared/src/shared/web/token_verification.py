"""Who is calling: people's tokens, verified offline against auth's published keys."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import httpx
from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import TransientError
from shared.runtime.settings import AuthSettings
from shared.web.person import Person, Role
from shared.web.problems import Problem

AUDIENCE = "trueup"
ALGORITHM = "Ed25519"
"""EdDSA over Ed25519 by its fully specified name (RFC 9864, which retires `EdDSA`)."""

_LEEWAY = 30
_COOL_DOWN = 30.0
_PAUSE = 1.0
"""Seconds between two questions while no key is known at all."""
_PATIENCE = 5.0


class KeySource(Protocol):
    """Where the keys come from that tokens are signed with."""

    async def current(self, *, refreshed: bool) -> KeySet:
        """The known keys; `refreshed` asks for newer ones first."""
        ...


class PublishedKeys:
    """Auth's JWKS over HTTP: one fetch at a time, none within a cool-down, so strangers cause no storm."""

    def __init__(self, auth_url: str) -> None:
        self._url = f"{auth_url.rstrip('/')}/.well-known/jwks.json"
        self._keys: KeySet | None = None
        self._asked = float("-inf")
        self._lock = asyncio.Lock()

    async def current(self, *, refreshed: bool) -> KeySet:
        """Raises `TransientError` when auth has never answered."""
        async with self._lock:
            pause = _PAUSE if self._keys is None else _COOL_DOWN
            if (self._keys is None or refreshed) and time.monotonic() - self._asked > pause:
                await self._fetch()
        if self._keys is None:
            raise TransientError(f"the signing keys at {self._url} cannot be read", retry_after=5)
        return self._keys

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as client:
                answer = (await client.get(self._url)).raise_for_status()
                self._keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, ValueError, JoseError) as error:
            if self._keys is None:
                raise TransientError(f"the signing keys at {self._url} cannot be read: {error!r}") from error
        finally:
            self._asked = time.monotonic()


class TokenVerifier:
    """Turns a token into a person, or refuses it."""

    def __init__(self, settings: AuthSettings, keys: KeySource | None = None) -> None:
        self._issuer = settings.issuer
        self._keys = keys or PublishedKeys(settings.url)

    async def person(self, token: str) -> Person:
        """Raises a 401 `Problem` for anything that is not a valid token of ours."""
        claims = await self._claims(token, refreshed=False) or await self._claims(token, refreshed=True)
        if claims is None:
            raise _unknown("the token is not valid or has expired: sign in again")
        try:
            return Person(claims["tenant"], claims["sub"], claims["name"], Role[claims["role"].upper()])
        except (KeyError, AttributeError):
            raise _unknown("the token lacks a tenant, a name or a known role: sign in again") from None

    async def _claims(self, token: str, *, refreshed: bool) -> dict[str, Any] | None:
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )
        keys = await self._keys.current(refreshed=refreshed)
        try:
            decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
            registry.validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        return dict(decoded.claims)


def require_role(verifier: TokenVerifier, role: Role) -> Callable[[Request], Awaitable[Person]]:
    """A FastAPI dependency: the caller, who has at least this role; 401 or 403 otherwise."""

    async def caller(request: Request) -> Person:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unknown("send the header Authorization: Bearer with a token from POST /sessions of auth")
        person = await verifier.person(token)
        if person.role < role:
            needed = role.name.lower()
            raise Problem(
                403, "Not allowed", f"{person.name} is {person.role.name.lower()}; this needs {needed}"
            )
        return person

    return caller


def _unknown(detail: str) -> Problem:
    return Problem(401, "Not signed in", detail)
