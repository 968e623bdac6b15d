"""The things that are mapped: vendor accounts and services, PSA accounts and products."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from matcher.catalogue.evidence import Evidence
from matcher.catalogue.normal_names import firm_name, thing_name
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingKind, NameEquality
from shared.contracts.vendor_sync import unlisted_name


class ItemKind(StrEnum):
    """One kind of item of one side; its value names the collection, and the lane of the work queue."""

    VENDOR_ACCOUNTS = "vendor_accounts"
    VENDOR_SERVICES = "vendor_services"
    PSA_ACCOUNTS = "psa_accounts"
    PSA_PRODUCTS = "psa_products"

    @property
    def side(self) -> Side:
        return Side.VENDOR if self in (ItemKind.VENDOR_ACCOUNTS, ItemKind.VENDOR_SERVICES) else Side.PSA

    @property
    def mapping_kind(self) -> MappingKind:
        """What an item of this kind is mapped as: services are mapped to products, so both are `service`."""
        accounts = (ItemKind.VENDOR_ACCOUNTS, ItemKind.PSA_ACCOUNTS)
        return MappingKind.ACCOUNT if self in accounts else MappingKind.SERVICE

    @property
    def display_name(self) -> str:
        """The words for one item of this kind in a sentence to a person, as in "PSA account"."""
        side = "PSA" if self.side is Side.PSA else "vendor"
        return f"{side} {self.value.split('_')[1].removesuffix('s')}"

    @property
    def integration_lane(self) -> str:
        """The work queue's lane whose keys are integration ids: every item of this kind that they have."""
        return f"integrations/{self}"


VENDOR_KINDS = {
    MappingKind.ACCOUNT: ItemKind.VENDOR_ACCOUNTS,
    MappingKind.SERVICE: ItemKind.VENDOR_SERVICES,
}
"""The kind of item at the vendor's end of a mapping."""
PSA_KINDS = {
    MappingKind.ACCOUNT: ItemKind.PSA_ACCOUNTS,
    MappingKind.SERVICE: ItemKind.PSA_PRODUCTS,
}
"""The kind of item at the PSA's end of a mapping."""


@dataclass(frozen=True, slots=True)
class Item:
    """One account, service or product as last observed."""

    kind: ItemKind
    tenant_id: str
    integration_id: str
    id: str
    name: str
    revision: int
    code: str | None = None
    """What identifies the item beside its name: a part number, a Product ID, a company's identifier."""
    present: bool = True
    usable: bool = True
    """Whether exact matching may use the item: it is present, and neither cancelled nor inactive."""
    facts: Mapping[str, str | None] = field(default_factory=dict)
    """What a person is shown beside the name, by the answer's field names."""
    evidence: Evidence | None = None
    """What helps to recognise the item; None in what an older release stored."""
    first_seen_at: datetime | None = None
    """When it was first observed, which never changes; None when that was before it was noted."""

    @property
    def key(self) -> str:
        """The key of the item's observations on Kafka."""
        return key_of(self.tenant_id, self.integration_id, self.id)

    @property
    def end(self) -> tuple[str, str]:
        """The item by integration id and item id, as a mapping names its ends."""
        return self.integration_id, self.id


@dataclass(frozen=True, slots=True)
class VendorItemRef:
    """Names one vendor item: what is decided on, and what proposals are for."""

    tenant_id: str
    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class IntegrationInfo:
    """The newest news of an integration; mappings are keyed by its provider and realm."""

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
    normal_names: frozenset[str] = frozenset()
    """Empty where spelling counts."""

    def __or__(self, other: "Labels") -> "Labels":
        normal_names = self.normal_names | other.normal_names
        return Labels(self.names | other.names, self.codes | other.codes, normal_names)

    def __sub__(self, other: "Labels") -> "Labels":
        normal_names = self.normal_names - other.normal_names
        return Labels(self.names - other.names, self.codes - other.codes, normal_names)


def part_number(item: Item) -> str:
    """Returns the code by which a service or product is matched; an account's code is no label: empty."""
    return label_of(item.code) if item.kind.mapping_kind is MappingKind.SERVICE else ""


def name_label(item: Item) -> str:
    """Returns the name by which the item is matched; empty for a customer whom no list has named yet."""
    is_unlisted = item.kind is ItemKind.VENDOR_ACCOUNTS and item.name == unlisted_name(item.id)
    return "" if is_unlisted else label_of(item.name)


def normal_label(item: Item) -> str:
    """Returns the name by which the item is matched where spelling does not count; empty as `name_label`."""
    return normal_name(item.kind, name_label(item))


def normal_name(kind: ItemKind, name: str) -> str:
    return firm_name(name).words if kind.mapping_kind is MappingKind.ACCOUNT else thing_name(name)


def label_of(text: str | None) -> str:
    """Returns the text if it says something; empty for what people type in place of nothing: "-", " "."""
    return text if text and any(character.isalnum() for character in text) else ""


def labels_of(items: Iterable[Item], equality: NameEquality = NameEquality.EXACT) -> Labels:
    """Returns every label by which these items can be matched; an empty name or code is no label."""
    known = list(items)
    names, codes = frozenset(map(name_label, known)), frozenset(map(part_number, known))
    normal_names = frozenset(map(normal_label, known)) if equality is NameEquality.NORMALISED else frozenset()
    return Labels(names - {""}, codes - {""}, normal_names - {""})
