"""Signs people's tokens (EdDSA JWT), and publishes the public keys that every service verifies them with."""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from auth.people.models import IssuedToken
from shared.web.person import Person
from shared.web.token_verification import ALGORITHM, AUDIENCE

_RAW_KEY_BYTES = 32


class TokenSigner:
    """Signs with one Ed25519 key, given as PKCS8 PEM or as base64 of its raw 32 bytes.

    It is also the `KeySource` with which auth verifies tokens itself.
    """

    def __init__(self, key: str, issuer: str, lifetime: timedelta) -> None:
        """Raises ValueError when `key` is no such key."""
        pem = _pem(key)
        self._key = OKPKey.import_key(pem)
        private_key = serialization.load_pem_private_key(pem.encode(), None)
        if not isinstance(private_key, Ed25519PrivateKey):
            raise ValueError("is an Ed25519 private key: PKCS8 PEM, or base64 of its 32 bytes")  # noqa: TRY004
        self._private_key = private_key
        # The key's id is its thumbprint (RFC 7638): the same key has the same id after every restart.
        self._key.ensure_kid()
        self._issuer, self._lifetime = issuer, lifetime

    def sign(self, person: Person, now: datetime) -> IssuedToken:
        # The claim `exp` is written in whole seconds, so the answer is cut to them as well.
        expires_at = (now + self._lifetime).replace(microsecond=0)
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": person.person_id,
            "name": person.name,
            "tenant": person.tenant_id,
            "role": person.role.name.lower(),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        token = jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])
        return IssuedToken(token, expires_at, person)

    def published_keys(self) -> dict[str, Any]:
        """Returns the JWKS (RFC 7517), with the public parts only."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def derived_key(self, purpose: bytes) -> bytes:
        """Returns 32 secret bytes for one purpose, which tell nothing of the signing key (HKDF, RFC 5869)."""
        raw = self._private_key.private_bytes_raw()
        return HKDF(hashes.SHA256(), length=_RAW_KEY_BYTES, salt=None, info=purpose).derive(raw)

    async def current(self, *, refreshed: bool) -> KeySet:  # noqa: ARG002 (auth's own keys are never stale)
        """Returns the keys that auth verifies with."""
        return KeySet([self._key])


def _pem(key: str) -> str:
    if "-----BEGIN" in key:
        # A PEM in one environment variable often has its line breaks written out.
        return key.replace("\\n", "\n")
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != _RAW_KEY_BYTES:
        raise ValueError("is an Ed25519 private key: PKCS8 PEM, or base64 of its 32 bytes")
    encoded = Ed25519PrivateKey.from_private_bytes(raw).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode()
