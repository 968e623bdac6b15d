"""Where auth keeps what it knows: documents in, models out."""

from auth.repository.integrations import MongoIntegrations
from auth.repository.people import MongoPeople
from auth.repository.sealing import KeyProvider, Keyring, Place, Sealed, Sealer
from shared.mongo import Index
from shared.outbox import OUTBOX_INDEXES

INDEXES = (
    Index("integrations", [("tenant_id", 1), ("name", 1)]),
    Index("credentials", [("sealed.kid", 1)]),
    Index("people", [("email", 1)]),
    *OUTBOX_INDEXES,
)

__all__ = [
    "INDEXES",
    "KeyProvider",
    "Keyring",
    "MongoIntegrations",
    "MongoPeople",
    "Place",
    "Sealed",
    "Sealer",
]
