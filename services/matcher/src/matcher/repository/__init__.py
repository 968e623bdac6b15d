"""Where matcher keeps what it knows: documents in, models out."""

from matcher.repository.catalogue import MongoCatalogue
from matcher.repository.indexes import INDEXES
from matcher.repository.store import MongoStore

__all__ = ["INDEXES", "MongoCatalogue", "MongoStore"]
