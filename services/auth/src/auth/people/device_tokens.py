"""Device tokens: what a browser shows at its next sign-in to be known as one that has signed in before."""

# Invariant: a token is accepted for the account that it was issued for and for no other, until it expires,
# and only auth can make one. It proves nothing but that its device signed in before: it spares nobody the
# password. It holds no e-mail address: base64url of
#
#   16 bytes the device   8 bytes when it expires   32 bytes HMAC-SHA256 of both and the account

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

DEVICE_TOKEN_LIFETIME = timedelta(days=180)

_ID_BYTES, _EXPIRY_BYTES, _MAC_BYTES = 16, 8, 32


class DeviceTokens:
    """Issues tokens and checks them, with a key of at least 32 bytes that is used for nothing else."""

    def __init__(self, key: bytes, now: Callable[[], datetime]) -> None:
        self._key, self._now = key, now

    def issue(self, account: str, device: str | None) -> str:
        """Returns a token of the account for this device, or for a new one."""
        expires_at = int((self._now() + DEVICE_TOKEN_LIFETIME).timestamp())
        device_id = bytes.fromhex(device) if device else secrets.token_bytes(_ID_BYTES)
        stated = device_id + expires_at.to_bytes(_EXPIRY_BYTES)
        return base64.urlsafe_b64encode(stated + self._mac(stated, account)).decode().rstrip("=")

    def device_of(self, token: str, account: str) -> str | None:
        """Returns the device that a valid token of the account names, or None."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        stated, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if (
            not hmac.compare_digest(mac, self._mac(stated, account))
            or len(stated) != _ID_BYTES + _EXPIRY_BYTES
        ):
            return None
        expires_at = int.from_bytes(stated[_ID_BYTES:])
        return stated[:_ID_BYTES].hex() if self._now().timestamp() < expires_at else None

    def _mac(self, stated: bytes, account: str) -> bytes:
        return hmac.new(self._key, stated + account.encode(), sha256).digest()
