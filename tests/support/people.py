"""People for tests: a signing key, tokens signed with it, and a `TokenVerifier` that accepts them."""

import json
import time

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import serialize_compact

from shared.runtime.settings import AuthSettings
from shared.web.person import Role
from shared.web.token_verification import ALGORITHM, AUDIENCE, TokenVerifier

_CLAIMS = {
    "iss": "trueup",
    "aud": AUDIENCE,
    "sub": "ann",
    "name": "Ann",
    "tenant": "demo",
    "role": "admin",
}
_KEY = OKPKey.generate_key("Ed25519", {"kid": "test"})


class StaticKeys:
    """A key source that needs no HTTP."""

    async def current(self, *, refreshed: bool) -> KeySet:  # noqa: ARG002  the same either way
        return KeySet([_KEY])


def a_verifier() -> TokenVerifier:
    return TokenVerifier(AuthSettings(url="http://auth.test"), StaticKeys())


def token_for(role: Role, tenant_id: str = "demo", *, person_id: str = "ann", seconds: int = 600) -> str:
    """A token as auth would sign it."""
    now = int(time.time())
    claims = _CLAIMS | {
        "sub": person_id,
        "name": person_id.title(),
        "tenant": tenant_id,
        "role": role.name.lower(),
        "iat": now,
        "exp": now + seconds,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": "test"}, claims, _KEY, algorithms=[ALGORITHM])


def token_stating(**claims: object) -> str:
    """A token signed with the known key whose claims are these instead of those that auth would state."""
    return signed(json.dumps(_CLAIMS | {"exp": int(time.time()) + 600} | claims))


def signed(payload: str) -> str:
    """A token signed with the known key that holds this text, JSON or not."""
    return serialize_compact({"alg": ALGORITHM, "kid": "test"}, payload, _KEY, algorithms=[ALGORITHM])


def signed_in(role: Role, tenant_id: str = "demo", *, person_id: str = "ann") -> dict[str, str]:
    """The headers of a request by somebody who has signed in with this role."""
    return {"Authorization": f"Bearer {token_for(role, tenant_id, person_id=person_id)}"}


def published_keys() -> dict[str, object]:
    """The JWKS that auth would publish for these tokens."""
    return dict(KeySet([_KEY]).as_dict(private=False))
