import os

import pytest

from auth.credentials.sealing import Keyring, SealedSecret, Sealer, SealingContext
from shared.errors import PermanentError

CONTEXT = SealingContext("demo", "int_1", "connection")
OLD, NEW = os.urandom(32), os.urandom(32)


def a_sealer(current: str = "k1", **keys: bytes) -> Sealer:
    return Sealer(Keyring(keys or {"k1": OLD}, current))


async def test_what_was_sealed_opens_in_its_context() -> None:
    sealer = a_sealer()

    sealed = await sealer.seal(CONTEXT, b"canary")

    assert await sealer.open(CONTEXT, SealedSecret.from_document(sealed.to_document())) == b"canary"
    assert b"canary" not in repr(sealed).encode()
    assert (sealed.v, sealed.kid) == (1, "k1")


async def test_the_same_credential_never_looks_the_same() -> None:
    sealer = a_sealer()

    first, second = await sealer.seal(CONTEXT, b"canary"), await sealer.seal(CONTEXT, b"canary")

    assert first.ct != second.ct
    assert first.wrapped_dek != second.wrapped_dek


@pytest.mark.parametrize(
    "context",
    [
        SealingContext("other", "int_1", "connection"),
        SealingContext("demo", "int_2", "connection"),
        SealingContext("demo", "int_1", "password"),
        SealingContext("demo|int_1", "connection", ""),
    ],
)
async def test_what_was_sealed_opens_in_no_other_context(context: SealingContext) -> None:
    sealer = a_sealer()
    sealed = await sealer.seal(CONTEXT, b"canary")

    with pytest.raises(PermanentError):
        await sealer.open(context, sealed)


@pytest.mark.parametrize("part", ["ct", "nonce", "wrapped_dek"])
async def test_what_was_tampered_with_does_not_open(part: str) -> None:
    sealer = a_sealer()
    document = (await sealer.seal(CONTEXT, b"canary")).to_document()
    intact = document[part]
    document[part] = intact[:-1] + bytes([intact[-1] ^ 1])

    with pytest.raises(PermanentError):
        await sealer.open(CONTEXT, SealedSecret.from_document(document))


async def test_another_key_of_the_same_name_is_named_as_wrong() -> None:
    sealed = await a_sealer(k1=OLD).seal(CONTEXT, b"canary")

    with pytest.raises(PermanentError, match="'k1' is not the one"):
        await a_sealer(k1=NEW).open(CONTEXT, sealed)


async def test_rewrapping_moves_to_the_current_key_and_leaves_the_ciphertext() -> None:
    sealed = await a_sealer(k1=OLD).seal(CONTEXT, b"canary")

    rewrapped = await a_sealer("k2", k1=OLD, k2=NEW).rewrap(CONTEXT, sealed)

    assert (rewrapped.kid, rewrapped.ct) == ("k2", sealed.ct)
    assert await a_sealer("k2", k2=NEW).open(CONTEXT, rewrapped) == b"canary"


async def test_a_key_that_is_gone_is_named() -> None:
    sealed = await a_sealer(k1=OLD).seal(CONTEXT, b"canary")

    with pytest.raises(PermanentError, match="'k1' is not in SEALING__KEYS"):
        await a_sealer("k2", k2=NEW).open(CONTEXT, sealed)


async def test_a_format_of_the_future_is_not_guessed_at() -> None:
    sealer = a_sealer()
    document = (await sealer.seal(CONTEXT, b"canary")).to_document() | {"v": 2}

    with pytest.raises(PermanentError, match="format 2"):
        await sealer.open(CONTEXT, SealedSecret.from_document(document))


class KeyService:
    """A key service that keeps its keys to itself: it gives out handles, and looks data keys up by them."""

    current_key_id = "remote"

    def __init__(self) -> None:
        self._data_keys: dict[tuple[bytes, bytes], bytes] = {}

    async def wrap(self, key_id: str, data_key: bytes, associated_data: bytes) -> bytes:
        assert key_id == self.current_key_id
        handle = os.urandom(16)
        self._data_keys[handle, associated_data] = data_key
        return handle

    async def unwrap(self, key_id: str, wrapped: bytes, associated_data: bytes) -> bytes:
        assert key_id == self.current_key_id
        return self._data_keys[wrapped, associated_data]


async def test_a_key_service_may_take_the_place_of_the_keyring() -> None:
    sealer = Sealer(KeyService())

    sealed = await sealer.seal(CONTEXT, b"canary")

    assert sealed.kid == "remote"
    assert await sealer.open(CONTEXT, await sealer.rewrap(CONTEXT, sealed)) == b"canary"
