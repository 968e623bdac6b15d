"""Seals credentials: each under a data key of its own, which a key provider wraps (architecture §9)."""

# Invariant: a credential opens only with the wrapping key that its key id names, and only as the field of the
# tenant and integration that it was sealed for. For the connection of int_1 of the tenant demo:
#   data key      32 random bytes, for this one credential
#   wrapped_dek   nonce + AES-256-GCM(wrapping key k1, data key, "trueup.v1|demo|int_1|connection")
#   ct            AES-256-GCM(data key, plain text, "trueup.v1|demo|int_1|connection")
# Rotation to k2 replaces `kid` and `wrapped_dek`; `nonce` and `ct` stay, and the secret is not opened.

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth.credentials.ports import KeyProvider
from shared.errors import PermanentError

VERSION = 1
KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D's size for GCM


class SealingContext(NamedTuple):
    """What a ciphertext belongs to; it opens in no other context."""

    tenant_id: str
    integration_id: str
    field: str

    @property
    def associated_data(self) -> bytes:
        # Each part is percent-encoded: ("a|b", "c") and ("a", "b|c") must not become the same bytes.
        return "|".join((f"trueup.v{VERSION}", *(quote(part, safe="") for part in self))).encode()


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret as it is stored; the fields are named as in the document.

    `v` is the format version, `kid` the id of the wrapping key, `wrapped_dek` the data key as that key
    wrapped it, `nonce` and `ct` belong to the ciphertext.
    """

    v: int
    kid: str
    wrapped_dek: bytes
    nonce: bytes
    ct: bytes

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(**document)

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


class Keyring:
    """Wrapping keys from the settings, by id; an old key stays until nothing is wrapped with it any more."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        """Raises PermanentError when `current` is not among the keys."""
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = current
        self._key(current)

    @property
    def current_key_id(self) -> str:
        return self._current

    async def wrap(self, key_id: str, data_key: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._key(key_id).encrypt(nonce, data_key, associated_data)

    async def unwrap(self, key_id: str, wrapped: bytes, associated_data: bytes) -> bytes:
        try:
            nonce, ciphertext = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
            return self._key(key_id).decrypt(nonce, ciphertext, associated_data)
        except InvalidTag:
            raise PermanentError(
                f"sealing key {key_id!r} is not the one that sealed this credential"
            ) from None

    def _key(self, key_id: str) -> AESGCM:
        if key_id not in self._keys:
            raise PermanentError(f"sealing key {key_id!r} is not in SEALING__KEYS: put it back")
        return self._keys[key_id]


class Sealer:
    """Seals and opens secrets, and moves sealed ones to another wrapping key."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    @property
    def current_key_id(self) -> str:
        return self._keys.current_key_id

    async def seal(self, context: SealingContext, plain: bytes) -> SealedSecret:
        data_key, nonce, key_id = os.urandom(KEY_BYTES), os.urandom(_NONCE_BYTES), self.current_key_id
        wrapped = await self._keys.wrap(key_id, data_key, context.associated_data)
        ciphertext = AESGCM(data_key).encrypt(nonce, plain, context.associated_data)
        return SealedSecret(VERSION, key_id, wrapped, nonce, ciphertext)

    async def open(self, context: SealingContext, sealed: SealedSecret) -> bytes:
        """Returns the plain text; raises PermanentError for one sealed in another context, format or key."""
        # An older program must not guess at a format that a newer one wrote before it was rolled back.
        if sealed.v != VERSION:
            raise PermanentError(f"a credential is sealed in format {sealed.v}; this version knows {VERSION}")
        data_key = await self._keys.unwrap(sealed.kid, sealed.wrapped_dek, context.associated_data)
        try:
            return AESGCM(data_key).decrypt(sealed.nonce, sealed.ct, context.associated_data)
        except InvalidTag:
            raise PermanentError(
                f"the credential of {context.integration_id} was changed after sealing"
            ) from None

    async def rewrap(self, context: SealingContext, sealed: SealedSecret) -> SealedSecret:
        """Returns the same ciphertext under the current wrapping key; the secret itself is not opened."""
        data_key = await self._keys.unwrap(sealed.kid, sealed.wrapped_dek, context.associated_data)
        key_id = self.current_key_id
        wrapped = await self._keys.wrap(key_id, data_key, context.associated_data)
        return SealedSecret(sealed.v, key_id, wrapped, sealed.nonce, sealed.ct)
