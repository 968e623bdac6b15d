import os

import pytest

from auth.credentials.sealing import Keyring, SealedSecret, Sealer, SealingContext
from shared.errors import PermanentError

PLACE = SealingContext("demo", "int_1", "connection")
OLD, NEW = os.urandom(32), os.urandom(32)


def a_sealer(current: str = "k1", **keys: bytes) -> Sealer:
    return Sealer(Keyring(keys or {"k1": OLD}, current))


async def test_what_was_sealed_opens_in_its_place() -> None:
    sealer = a_sealer()

    sealed = await sealer.seal(PLACE, b"canary")

    assert await sealer.open(PLACE, SealedSecret.read(sealed.document())) == b"canary"
    assert b"canary" not in repr(sealed).encode()
    assert (sealed.v, sealed.kid) == (1, "k1")


async def test_the_same_credential_never_looks_the_same() -> None:
    sealer = a_sealer()

    first, second = await sealer.seal(PLACE, b"canary"), await sealer.seal(PLACE, b"canary")

    assert first.ct != second.ct
    assert first.wrapped_dek != second.wrapped_dek


@pytest.mark.parametrize(
    "place",
    [
        SealingContext("other", "int_1", "connection"),
        SealingContext("demo", "int_2", "connection"),
        SealingContext("demo", "int_1", "password"),
        SealingContext("demo|int_1", "connection", ""),
    ],
)
async def test_what_was_sealed_opens_in_no_other_place(place: SealingContext) -> None:
    sealer = a_sealer()
    sealed = await sealer.seal(PLACE, b"canary")

    with pytest.raises(PermanentError):
        await sealer.open(place, sealed)


@pytest.mark.parametrize("part", ["ct", "nonce", "wrapped_dek"])
async def test_what_was_tampered_with_does_not_open(part: str) -> None:
    sealer = a_sealer()
    document = (await sealer.seal(PLACE, b"canary")).document()
    was = document[part]
    assert isinstance(was, bytes)
    document[part] = was[:-1] + bytes([was[-1] ^ 1])

    with pytest.raises(PermanentError):
        await sealer.open(PLACE, SealedSecret.read(document))


async def test_another_key_of_the_same_name_is_said_to_be_wrong() -> None:
    sealed = await a_sealer(k1=OLD).seal(PLACE, b"canary")

    with pytest.raises(PermanentError, match="'k1' is not the one"):
        await a_sealer(k1=NEW).open(PLACE, sealed)


async def test_rewrapping_moves_to_the_current_key_and_leaves_the_ciphertext() -> None:
    sealed = await a_sealer(k1=OLD).seal(PLACE, b"canary")

    moved = await a_sealer("k2", k1=OLD, k2=NEW).rewrapped(PLACE, sealed)

    assert (moved.kid, moved.ct) == ("k2", sealed.ct)
    assert await a_sealer("k2", k2=NEW).open(PLACE, moved) == b"canary"


async def test_a_key_that_is_gone_is_named() -> None:
    sealed = await a_sealer(k1=OLD).seal(PLACE, b"canary")

    with pytest.raises(PermanentError, match="'k1' is not in SEALING__KEYS"):
        await a_sealer("k2", k2=NEW).open(PLACE, sealed)


async def test_a_format_of_the_future_is_not_guessed_at() -> None:
    sealer = a_sealer()
    document = (await sealer.seal(PLACE, b"canary")).document() | {"v": 2}

    with pytest.raises(PermanentError, match="format 2"):
        await sealer.open(PLACE, SealedSecret.read(document))
