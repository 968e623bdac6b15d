"""Sealing credentials: each under a key of its own, which a key provider wraps (architecture §9)."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol, Self
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import PermanentError

VERSION = 1
KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D's size for GCM


class SealingContext(NamedTuple):
    """Where a ciphertext belongs; it opens nowhere else."""

    tenant_id: str
    integration_id: str
    field: str

    @property
    def associated(self) -> bytes:
        return "|".join((f"trueup.v{VERSION}", *(quote(part, safe="") for part in self))).encode()


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """What is stored: format version, id of the wrapping key, wrapped data key, nonce, ciphertext."""

    v: int
    kid: str
    wrapped_dek: bytes
    nonce: bytes
    ct: bytes

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        return cls(**document)  # type: ignore[arg-type]  # written by `document` alone

    def document(self) -> dict[str, object]:
        return asdict(self)


class KeyProvider(Protocol):
    """Wraps data keys with keys that it does not give away: a keyring now, a KMS later."""

    @property
    def current(self) -> str:
        """The id of the key that wraps what is sealed from now on."""

    async def wrap(self, kid: str, data_key: bytes, associated: bytes) -> bytes: ...

    async def unwrap(self, kid: str, wrapped: bytes, associated: bytes) -> bytes:
        """Raises PermanentError when the key is not there or is another one."""


class Keyring:
    """Keys from the settings, by id; an old one stays until nothing is wrapped with it any more."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self._keys = {kid: AESGCM(key) for kid, key in keys.items()}
        self._current = current
        self._key(current)

    @property
    def current(self) -> str:
        return self._current

    async def wrap(self, kid: str, data_key: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._key(kid).encrypt(nonce, data_key, associated)

    async def unwrap(self, kid: str, wrapped: bytes, associated: bytes) -> bytes:
        try:
            return self._key(kid).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], associated)
        except InvalidTag:
            raise PermanentError(f"sealing key {kid!r} is not the one that sealed this credential") from None

    def _key(self, kid: str) -> AESGCM:
        if kid not in self._keys:
            raise PermanentError(f"sealing key {kid!r} is not in SEALING__KEYS: put it back")
        return self._keys[kid]


class Sealer:
    """Seals and opens, and moves what is sealed to another wrapping key."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    @property
    def current(self) -> str:
        return self._keys.current

    async def seal(self, place: SealingContext, plain: bytes) -> SealedSecret:
        data_key, nonce, kid = os.urandom(KEY_BYTES), os.urandom(_NONCE_BYTES), self._keys.current
        wrapped = await self._keys.wrap(kid, data_key, place.associated)
        return SealedSecret(
            VERSION, kid, wrapped, nonce, AESGCM(data_key).encrypt(nonce, plain, place.associated)
        )

    async def open(self, place: SealingContext, sealed: SealedSecret) -> bytes:
        """Raises PermanentError for a ciphertext of another place, format or key."""
        if sealed.v != VERSION:
            raise PermanentError(f"a credential is sealed in format {sealed.v}; this version knows {VERSION}")
        data_key = await self._keys.unwrap(sealed.kid, sealed.wrapped_dek, place.associated)
        try:
            return AESGCM(data_key).decrypt(sealed.nonce, sealed.ct, place.associated)
        except InvalidTag:
            raise PermanentError(
                f"the credential of {place.integration_id} was changed after sealing"
            ) from None

    async def rewrapped(self, place: SealingContext, sealed: SealedSecret) -> SealedSecret:
        """The same ciphertext under the current wrapping key; the credential itself is not opened."""
        data_key = await self._keys.unwrap(sealed.kid, sealed.wrapped_dek, place.associated)
        kid = self._keys.current
        wrapped = await self._keys.wrap(kid, data_key, place.associated)
        return SealedSecret(sealed.v, kid, wrapped, sealed.nonce, sealed.ct)
