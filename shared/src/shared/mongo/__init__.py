"""The document store behind use-case methods: the only place that imports its driver."""

from shared.mongo.changes import Change, Document, Filter, Put, Remove, Replace, Session, Update
from shared.mongo.client import Index, Mongo
from shared.mongo.documents import Documents
from shared.mongo.driver_errors import begun_again

__all__ = [
    "Change",
    "Document",
    "Documents",
    "Filter",
    "Index",
    "Mongo",
    "Put",
    "Remove",
    "Replace",
    "Session",
    "Update",
    "begun_again",
]
