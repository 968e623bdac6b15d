"""The forms of change that one bulk call may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

Document = dict[str, Any]
Filter = Mapping[str, Any]
Session = AsyncIOMotorClientSession


@dataclass(frozen=True, slots=True)
class Put:
    """Inserts one document, or replaces the document with its `_id`."""

    document: Document


@dataclass(frozen=True, slots=True)
class Replace:
    """Replaces the document that matches; changes nothing when none does."""

    filter: Filter
    document: Document


@dataclass(frozen=True, slots=True)
class Update:
    """Updates the first document that matches; with `upsert` inserts one when none does."""

    filter: Filter
    update: Mapping[str, Any]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes every document that matches."""

    filter: Filter


Change = Put | Replace | Update | Remove
