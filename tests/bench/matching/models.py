"""The records of labelled sets: a business, what each list says of it, and which belongs to which."""

from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
"""An item as the engine's JSON has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A company as its register knows it; the lists of both sides write it down in their own ways."""

    core: str
    """The name without the legal form."""
    form: str
    country: str
    town: str
    postcode: str
    domain: str
    tax_id: str
    trade: str = ""
    """The words of the name that say the trade, where it was composed of some."""
    generic: str = ""
    """A word such as Services at the end of the name, where it has one."""
    latin: str = ""
    """The name in Latin letters, where `core` is in another script."""

    @property
    def name(self) -> str:
        return f"{self.core} {self.form}".strip()


@dataclass(frozen=True, slots=True)
class Label:
    """What a vendor item truly belongs to, and what makes it hard to see."""

    psa_id: str | None
    kind: str
    """The perturbation or the kind of twin."""
    difficulty: str
    """The class of the kind: `exact`, `light`, `medium`, `hard`, `twin` or `absent`."""


@dataclass(slots=True)
class LabelledSet:
    """Two lists and the truth about them."""

    kind: str
    """`accounts` or `services`."""
    vendor: list[Record] = field(default_factory=list)
    psa: list[Record] = field(default_factory=list)
    truth: dict[str, Label] = field(default_factory=dict)
