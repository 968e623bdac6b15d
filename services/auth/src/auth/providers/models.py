"""What a provider gives in exchange for credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """Where to call a provider, with which headers, and how long these are good from the moment of asking."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    lifetime: timedelta
