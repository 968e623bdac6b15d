"""Creates a system's secrets on its first start, and loads them at every further one."""

import json
import secrets
from base64 import b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from standalone.private_files import read_private, write_private

SERVICES_WITH_TOKENS = ("vendor-sync", "psa-sync")
SERVERS_WITH_PASSWORDS = ("kafka", "secantusdb", "valkey")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The administrator's sign-in and the secrets with which services authenticate, sign and encrypt."""

    admin_email: str
    admin_password: str
    tenant_id: str
    service_tokens: dict[str, str]
    signing_key: str
    """An Ed25519 private key: 32 bytes in base64."""
    sealing_keys: dict[str, str]
    """AES-256 keys in base64 by their id; all but the current one are used for decryption only."""
    sealing_current: str
    server_passwords: dict[str, str]
    """By the server's name: what a client must know to be let in."""

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the stored credentials; what the file lacks is made, and is in it from now on."""
        stored: dict[str, Any] = {}
        with suppress(FileNotFoundError):
            stored = json.loads(read_private(path))
        # An earlier version's file has no passwords of servers: it gets them, and keeps the rest.
        complete = cls(**asdict(cls._create()) | stored)
        if asdict(complete) != stored:
            write_private(path, json.dumps(asdict(complete), indent=1))
        return complete

    @classmethod
    def _create(cls) -> Self:
        return cls(
            admin_email="admin@demo.example",
            admin_password=secrets.token_urlsafe(12),
            tenant_id="demo",
            service_tokens={name: secrets.token_urlsafe(32) for name in SERVICES_WITH_TOKENS},
            signing_key=_generate_key(),
            sealing_keys={"k1": _generate_key()},
            sealing_current="k1",
            server_passwords={name: secrets.token_urlsafe(32) for name in SERVERS_WITH_PASSWORDS},
        )

    def __repr__(self) -> str:
        # A dataclass would print every secret into the first traceback.
        return f"Credentials of {self.admin_email}"


def _generate_key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()
