"""Derives the credentials that the sandbox accepts from its seed, so that no secret is written down."""

import hashlib
import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One reseller in one marketplace and one PSA company with one API member."""

    marketplace: str
    subscription_key: str
    username: str
    password: str
    company: str
    public_key: str
    private_key: str
    client_id: str


def derive_identity(seed: int) -> Identity:
    """Return the credentials of one seed; the same seed always has the same ones."""
    return Identity(
        marketplace="us",
        subscription_key=_secret(seed, "subscription key", 32),
        username="trueup.api",
        password=_secret(seed, "password", 20),
        company="trueupmsp",
        public_key=_secret(seed, "public key", 16),
        private_key=_secret(seed, "private key", 16),
        client_id=str(uuid.UUID(_secret(seed, "client id", 32))),
    )


def _secret(seed: int, label: str, length: int) -> str:
    # The label keeps the secrets of one seed apart.
    return hashlib.sha256(f"trueup sandbox {seed} {label}".encode()).hexdigest()[:length]
