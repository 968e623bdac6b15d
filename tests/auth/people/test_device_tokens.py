import base64
from datetime import UTC, datetime, timedelta

import pytest
from auth_env import KEY

from auth.people.device_tokens import DeviceTokens
from auth.people.tokens import TokenSigner

KEY_OF_DEVICES = b"k" * 32
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def tokens(at: datetime = NOW, key: bytes = KEY_OF_DEVICES) -> DeviceTokens:
    return DeviceTokens(key, lambda: at)


def test_a_device_is_known_to_its_account_alone_and_keeps_its_name() -> None:
    token = tokens().issue("ann@x.example", None)
    device = tokens().device_of(token, "ann@x.example")
    renewed = tokens().issue("ann@x.example", device)

    assert device is not None
    assert tokens().device_of(renewed, "ann@x.example") == device
    assert tokens().device_of(token, "bob@x.example") is None
    assert tokens().device_of(tokens().issue("ann@x.example", None), "ann@x.example") != device


def test_a_device_is_forgotten_after_half_a_year() -> None:
    token = tokens().issue("ann@x.example", None)

    assert tokens(NOW + timedelta(days=179)).device_of(token, "ann@x.example")
    assert tokens(NOW + timedelta(days=180)).device_of(token, "ann@x.example") is None


def test_a_token_tells_no_address_and_cannot_be_altered_or_made() -> None:
    token = tokens().issue("ann@x.example", None)
    raw = bytearray(base64.urlsafe_b64decode(token + "=="[: -len(token) % 4]))

    assert b"ann" not in raw
    for position in range(len(raw)):
        altered = bytes(raw[:position]) + bytes([raw[position] ^ 1]) + bytes(raw[position + 1 :])
        assert tokens().device_of(base64.urlsafe_b64encode(altered).decode(), "ann@x.example") is None
    assert tokens(key=b"e" * 32).device_of(token, "ann@x.example") is None


@pytest.mark.parametrize("junk", ["", "a", "é", "====", "A" * 75, "A" * 200, "\ud800"])
def test_junk_names_no_device(junk: str) -> None:
    assert tokens().device_of(junk, "ann@x.example") is None


def test_a_key_differs_for_each_purpose_and_from_the_signing_key() -> None:
    signer = TokenSigner(KEY, "trueup", timedelta(hours=1))

    assert signer.derived_key(b"one") == signer.derived_key(b"one")
    assert len({signer.derived_key(b"one"), signer.derived_key(b"two"), base64.b64decode(KEY)}) == 3
