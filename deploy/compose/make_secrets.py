#!/usr/bin/env python3
"""Makes the secrets that docker-compose.yml mounts, one file each, with nothing but Python.

A file that is there stays as it is, so a second run changes nothing; to rotate a secret, remove its file
and run this again.
"""

import json
import secrets
import sys
from base64 import b64encode
from pathlib import Path

KEEPING = ("auth", "vendor-sync", "psa-sync", "matcher", "billing")
"""The services with a database, each with a user of its own who may touch nothing else."""

ASKING = ("vendor-sync", "psa-sync")
"""The services that ask auth for access, each with a token of its own."""


def make(place: Path) -> list[str]:
    """Write what is missing and tell its names."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.chmod(0o700)
    (place / ".gitignore").write_text("*\n", "utf-8")
    made = [name for name, text in _fresh().items() if _made(place / name, text)]
    for name, text in _derived(place).items():
        _write(place / name, text)
    return made


def _fresh() -> dict[str, str]:
    return {
        "mongo-root-password": _word(),
        "mongo-keyfile": b64encode(secrets.token_bytes(96)).decode(),
        **{f"{name}-mongo-url": _mongo_url(name) for name in KEEPING},
        "redis-url": f"redis://:{_word()}@redis:6379/0",
        **{f"{name}-token": _word() for name in ASKING},
        "admin-password": secrets.token_urlsafe(12),
        "signing-key": _key(),
        "sealing-keys": json.dumps({"k1": _key()}),
    }


def _derived(place: Path) -> dict[str, str]:
    """What servers need in another form, from the one file that counts."""
    tokens = {name: (place / f"{name}-token").read_text("utf-8").strip() for name in ASKING}
    password = (place / "redis-url").read_text("utf-8").partition("://:")[2].partition("@")[0]
    return {"service-tokens": json.dumps(tokens), "redis.conf": f"requirepass {password}"}


def _made(path: Path, text: str) -> bool:
    if path.exists():
        return False
    _write(path, text)
    return True


def _write(path: Path, text: str) -> None:
    """Readable for all: compose mounts files as they are, and each container has a user of its own.

    The directory lets nobody but its owner near them.
    """
    if path.exists() and path.read_text("utf-8") == text + "\n":
        return
    path.unlink(missing_ok=True)
    path.write_text(text + "\n", "utf-8")
    path.chmod(0o444)


def _mongo_url(name: str) -> str:
    return f"mongodb://{name}:{_word()}@mongo:27017/?replicaSet=rs0&authSource=admin"


def _word() -> str:
    """Nothing that an address would have to escape."""
    return secrets.token_urlsafe(24)


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


def main() -> None:
    place = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "secrets")
    made = make(place)
    print(f"{place}: {'made ' + ', '.join(made) if made else 'nothing was missing'}")


if __name__ == "__main__":
    main()
