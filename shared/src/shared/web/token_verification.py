"""Who is calling: people's tokens, verified offline against auth's published keys."""

# Invariant: a token is accepted only if a known key of auth signed it, and no stranger can make a service
# call auth in a storm. A refused token may be signed with a newer key, so the keys are fetched and it is
# tried once more; but one fetch at a time, and none within the cool-down (1 s while no key is known at all):
#
#   0 s unknown key: fetch, 401   10 s again: 401 without a fetch   31 s a new key of auth's: fetch, ok

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Protocol

import structlog
from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import PermanentError, TransientError
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.limits import record_hit
from shared.limits.sign_in import CLAIM_CHARACTERS, TOKEN_CHARACTERS
from shared.plain_text import is_plain
from shared.runtime.settings import AuthSettings, OutboundSettings
from shared.web.fair_share import Caller, FairShare
from shared.web.person import Person, Role
from shared.web.problems import Problem
from shared.web.security_events import SecurityEvent, remember_person

log = structlog.get_logger()

AUDIENCE = "trueup"
ALGORITHM = "Ed25519"
"""EdDSA over Ed25519 by its fully specified name (RFC 9864, which retires `EdDSA`)."""

_CLOCK_LEEWAY_SECONDS = 30
"""By how much the clocks of auth and this service may differ when an expiry is judged."""
_COOL_DOWN = timedelta(seconds=30)
_COOL_DOWN_WITHOUT_KEYS_SECONDS = 1.0
_KEYS_PATH = "/.well-known/jwks.json"
_NO_KEYS = (JoseError, AttributeError, KeyError, TypeError, ValueError)
"""What importing raises when the document is no set of keys."""
_KEYS_UNREAD = "the keys of our sign-in service cannot be read at this moment: try again"
_RETRY_AFTER_SECONDS = 5
_LOGGED_CHARACTERS = 500
# Requests wait for the keys, so a fetch that fails is not repeated here.
_FETCH_POLICY = CallPolicy(
    read_timeout=timedelta(seconds=5), attempts=1, total_timeout=timedelta(seconds=10), renew_on=frozenset()
)


class KeySource(Protocol):
    """Gives the keys that tokens are verified with."""

    async def current(self, *, refreshed: bool) -> KeySet:
        """Returns the known keys; `refreshed` looks for newer keys first."""
        ...


class PublishedKeys:
    """Auth's JWKS over HTTP: one fetch at a time, and none within the cool-down.

    Whoever does not ask for newer keys never waits for a fetch, once there are any.
    """

    def __init__(self, auth_url: str, *, cool_down: timedelta = _COOL_DOWN) -> None:
        self._auth_url, self._cool_down_seconds = auth_url, cool_down.total_seconds()
        self._keys: KeySet | None = None
        self._fetched_seconds = float("-inf")
        """The monotonic moment of the last fetch, successful or not."""
        self._lock = asyncio.Lock()

    async def current(self, *, refreshed: bool) -> KeySet:
        """Returns the known keys; raises `TransientError` when auth has never answered."""
        if self._keys is not None and not refreshed:
            return self._keys
        async with self._lock:
            cool_down = _COOL_DOWN_WITHOUT_KEYS_SECONDS if self._keys is None else self._cool_down_seconds
            since_fetch = time.monotonic() - self._fetched_seconds
            if (self._keys is None or refreshed) and since_fetch > cool_down:
                await self._fetch()
        if self._keys is None:
            raise TransientError(_KEYS_UNREAD, retry_after=_RETRY_AFTER_SECONDS)
        return self._keys

    async def _fetch(self) -> None:
        outbound = OutboundSettings(allowed_origins=(self._auth_url,))
        try:
            async with Api(self._auth_url, outbound=outbound, policy=_FETCH_POLICY) as api:
                self._keys = KeySet.import_key_set(await api.get(_KEYS_PATH))
        except (TransientError, PermanentError, *_NO_KEYS) as error:
            log.warning(
                "signing_keys_unread", auth_url=self._auth_url, error=repr(error)[:_LOGGED_CHARACTERS]
            )
            if self._keys is None:
                raise TransientError(_KEYS_UNREAD, retry_after=_RETRY_AFTER_SECONDS) from error
        finally:
            self._fetched_seconds = time.monotonic()


class TokenVerifier:
    """Turns a token into the person whom it names, or refuses it."""

    def __init__(self, settings: AuthSettings, keys: KeySource | None = None) -> None:
        self._issuer = settings.issuer
        self._keys = keys or PublishedKeys(settings.url)
        self.fair_share = FairShare()

    async def person(self, token: str) -> Person:
        """Returns the person whom a token names.

        Raises a 401 `Problem` for anything that is not a valid token of ours, and `TransientError` while no
        key is known.
        """
        if not token:
            raise _unauthenticated("there is no token: sign in")
        if len(token) > TOKEN_CHARACTERS.most:
            record_hit(TOKEN_CHARACTERS)
            raise _refused_token(f"the token is longer than {TOKEN_CHARACTERS}: sign in again")
        claims = await self._claims(token, refreshed=False) or await self._claims(token, refreshed=True)
        if claims is None:
            raise _refused_token("the token is not valid or has expired: sign in again")
        tenant, sub, name, role = (_text(claims.get(claim)) for claim in ("tenant", "sub", "name", "role"))
        if not (tenant and sub and name and role) or role.upper() not in Role.__members__:
            raise _refused_token("the token lacks a tenant, an id, a name or a known role: sign in again")
        return Person(tenant, sub, name, Role[role.upper()])

    async def _claims(self, token: str, *, refreshed: bool) -> dict[str, Any] | None:
        registry = jwt.JWTClaimsRegistry(
            leeway=_CLOCK_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )
        keys = await self._keys.current(refreshed=refreshed)
        try:
            decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
            registry.validate(decoded.claims)
        except (JoseError, ValueError, RecursionError):
            return None
        return dict(decoded.claims)


def require_role(verifier: TokenVerifier, role: Role) -> Caller:
    """Builds a FastAPI dependency: the caller, who has at least this role; 401, 403 or 429 otherwise."""

    async def caller(request: Request) -> AsyncIterator[Person]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated(
                "send the header Authorization: Bearer with a token from POST /sessions of auth"
            )
        person = await verifier.person(token)
        remember_person(request, person)
        if person.role < role:
            has, needed = person.role.name.lower(), role.name.lower()
            refusal = Problem(403, "Not allowed", f"{person.name} is {has}; this needs {needed}")
            raise refusal.logged_as(SecurityEvent.ROLE_REFUSED, role=has, needed=needed)
        with verifier.fair_share.taken_by(person):
            yield person

    return caller


def _text(claim: Any) -> str | None:
    """Returns a claim that is short plain text, and None otherwise: it goes into queries and messages."""
    if not isinstance(claim, str):
        return None
    if len(claim) > CLAIM_CHARACTERS.most:
        record_hit(CLAIM_CHARACTERS)
        return None
    return claim if is_plain(claim) else None


def _refused_token(detail: str) -> Problem:
    return _unauthenticated(detail).logged_as(SecurityEvent.TOKEN_REFUSED, reason=detail.partition(":")[0])


def _unauthenticated(detail: str) -> Problem:
    return Problem(401, "Not signed in", detail)
