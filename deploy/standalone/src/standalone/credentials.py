"""The secrets of one system: made on its first start, kept for the owner's eyes, used again ever after."""

import json
import secrets
from base64 import b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from standalone.data_dir import write_private

SERVICES_WITH_TOKENS = ("vendor-sync", "psa-sync")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who may sign in and what the services prove themselves with."""

    admin_email: str
    admin_password: str
    tenant_id: str
    service_tokens: dict[str, str]
    signing_key: str
    """An Ed25519 private key: 32 bytes in base64."""
    sealing_keys: dict[str, str]
    """AES-256 keys in base64 by their id; all but the current one only open what they sealed."""
    sealing_current: str

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The ones kept there, or new ones, kept from now on."""
        if path.exists():
            return cls(**json.loads(path.read_text("utf-8")))
        fresh = cls._new()
        write_private(path, json.dumps(asdict(fresh), indent=1))
        return fresh

    @classmethod
    def _new(cls) -> Self:
        return cls(
            admin_email="admin@demo.example",
            admin_password=secrets.token_urlsafe(12),
            tenant_id="demo",
            service_tokens={name: secrets.token_urlsafe(32) for name in SERVICES_WITH_TOKENS},
            signing_key=_key(),
            sealing_keys={"k1": _key()},
            sealing_current="k1",
        )

    def __repr__(self) -> str:
        return f"Credentials of {self.admin_email}"


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()
