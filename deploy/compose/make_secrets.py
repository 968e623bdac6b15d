#!/usr/bin/env python3
"""Makes the secrets that docker-compose.yml mounts, one file each, with nothing but Python."""

# A file that exists stays as it is, so a second run changes nothing; to rotate a secret, remove its file and
# run this again.  What servers need in another form is derived from the file that counts on every run, so the
# two never disagree:  vendor-sync-token, psa-sync-token → service-tokens (auth);  redis-url → redis.conf.

import json
import secrets
import sys
from base64 import b64encode
from pathlib import Path

WITH_DATABASE = ("auth", "vendor-sync", "psa-sync", "matcher", "billing")
"""The services with a database, each with a user of its own who can reach no other."""

WITH_SERVICE_TOKEN = ("vendor-sync", "psa-sync")
"""The services that ask auth for access tokens, each with a service token of its own."""


def make(directory: Path) -> list[str]:
    """Write the secrets that are missing and return their names."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    (directory / ".gitignore").write_text("*\n", "utf-8")
    missing = {name: text for name, text in _generate().items() if not (directory / name).exists()}
    for name, text in missing.items():
        _write(directory / name, text)
    for name, text in _derive(directory).items():
        _write(directory / name, text)
    return list(missing)


def _generate() -> dict[str, str]:
    return {
        "mongo-root-password": _password(),
        "mongo-keyfile": b64encode(secrets.token_bytes(96)).decode(),
        **{
            f"{name}-mongo-url": f"mongodb://{name}:{_password()}@mongo:27017/?replicaSet=rs0&authSource=admin"
            for name in WITH_DATABASE
        },
        "redis-url": f"redis://:{_password()}@redis:6379/0",
        **{f"{name}-token": _password() for name in WITH_SERVICE_TOKEN},
        "admin-password": secrets.token_urlsafe(12),
        "signing-key": _key(),
        "sealing-keys": json.dumps({"k1": _key()}),
    }


def _derive(directory: Path) -> dict[str, str]:
    """Return the secrets that follow from others."""
    tokens = {name: (directory / f"{name}-token").read_text("utf-8").strip() for name in WITH_SERVICE_TOKEN}
    password = (directory / "redis-url").read_text("utf-8").partition("://:")[2].partition("@")[0]
    return {"service-tokens": json.dumps(tokens), "redis.conf": f"requirepass {password}"}


def _write(path: Path, text: str) -> None:
    # Readable for all: compose mounts files as they are, and each container has a user of its own.  The
    # directory is what keeps other users of the machine away.
    if path.exists() and path.read_text("utf-8") == text + "\n":
        return
    path.unlink(missing_ok=True)
    path.write_text(text + "\n", "utf-8")
    path.chmod(0o444)


def _password() -> str:
    """Return a password of characters that a URL does not have to escape."""
    return secrets.token_urlsafe(24)


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


def main() -> None:
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "secrets")
    made = make(directory)
    print(f"{directory}: {'made ' + ', '.join(made) if made else 'nothing was missing'}")


if __name__ == "__main__":
    main()
