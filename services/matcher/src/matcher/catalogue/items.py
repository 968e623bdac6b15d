"""The things that are mapped: vendor accounts and services, PSA accounts and products."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingKind


class ItemKind(StrEnum):
    """Where one kind of item of one side is kept."""

    VENDOR_ACCOUNTS = "vendor_accounts"
    VENDOR_SERVICES = "vendor_services"
    PSA_ACCOUNTS = "psa_accounts"
    PSA_PRODUCTS = "psa_products"

    @property
    def side(self) -> Side:
        return Side.VENDOR if self in (ItemKind.VENDOR_ACCOUNTS, ItemKind.VENDOR_SERVICES) else Side.PSA

    @property
    def kind(self) -> MappingKind:
        """What an item of this shelf is mapped as; a product is what a service is mapped to."""
        accounts = (ItemKind.VENDOR_ACCOUNTS, ItemKind.PSA_ACCOUNTS)
        return MappingKind.ACCOUNT if self in accounts else MappingKind.SERVICE

    @property
    def noun(self) -> str:
        """As a sentence names one of its items."""
        side = "PSA" if self.side is Side.PSA else "vendor"
        return f"{side} {self.value.split('_')[1].removesuffix('s')}"


VENDOR_KINDS = {
    MappingKind.ACCOUNT: ItemKind.VENDOR_ACCOUNTS,
    MappingKind.SERVICE: ItemKind.VENDOR_SERVICES,
}
PSA_KINDS = {
    MappingKind.ACCOUNT: ItemKind.PSA_ACCOUNTS,
    MappingKind.SERVICE: ItemKind.PSA_PRODUCTS,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One account, service or product as last observed."""

    shelf: ItemKind
    tenant_id: str
    integration_id: str
    id: str
    name: str
    revision: int
    code: str | None = None
    """What identifies it beside its name: a part number, a Product ID, a company's identifier."""
    present: bool = True
    usable: bool = True
    """Whether exact matching may use it: present, and neither cancelled nor inactive."""
    facts: Mapping[str, str | None] = field(default_factory=dict)
    """What a person is shown beside it."""

    @property
    def key(self) -> str:
        """The key of the messages that tell of it."""
        return key_of(self.tenant_id, self.integration_id, self.id)


@dataclass(frozen=True, slots=True)
class IntegrationInfo:
    """What matcher remembers of a connection; mappings are keyed by its provider and realm."""

    tenant_id: str
    integration_id: str
    side: Side
    provider: str
    realm: str
    name: str
    status: IntegrationStatus
    generation: int
    revision: int

    @property
    def connected(self) -> bool:
        return self.status is not IntegrationStatus.DISCONNECTED


@dataclass(frozen=True, slots=True)
class Labels:
    """The names and codes under which items are compared."""

    names: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()

    def __or__(self, other: "Labels") -> "Labels":
        return Labels(self.names | other.names, self.codes | other.codes)

    def __sub__(self, other: "Labels") -> "Labels":
        return Labels(self.names - other.names, self.codes - other.codes)


@dataclass(frozen=True, slots=True)
class MatchWork:
    """Items of a shelf that matching has not looked at since they, or their integration, changed."""

    shelf: ItemKind
    keys: tuple[str, ...] = ()
    integration_id: str | None = None
    """Set when all that the shelf holds of this integration is meant."""
    id: str = ""
    """Given by the store."""


def part_number(item: Item) -> str:
    """The code that a service or product can be matched by; an account's code means something else."""
    return (item.code or "") if item.shelf.kind is MappingKind.SERVICE else ""


def labels_of(items: Iterable[Item]) -> Labels:
    """Everything that these items can be matched by."""
    kept = tuple(items)
    names = frozenset(item.name for item in kept)
    return Labels(names - {""}, frozenset(part_number(item) for item in kept) - {""})
