"""References to what news and usage lines are about: accounts, services, products, integrations."""

# A ref is a value, and a text only in the document store: Ref(VENDOR_ACCOUNT, "int_1", "acme") ⇄
# "v:int_1:acme". Repositories encode and decode it. Each part is percent-encoded, so that no two refs share a
# text.

from enum import StrEnum
from typing import NamedTuple, Self
from urllib.parse import unquote

from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import State, key_of
from shared.contracts.matcher import MappingDecided, MappingKind


class RefKind(StrEnum):
    """What a ref names; the value is its letter in the stored text."""

    VENDOR_ACCOUNT = "v"
    PSA_ACCOUNT = "p"
    VENDOR_SERVICE = "s"
    PSA_PRODUCT = "d"
    INTEGRATION = "i"


class Ref(NamedTuple):
    """Names one thing of one integration, or the integration itself (then `id` is empty).

    It is a tuple because subscriptions pass through it by the hundred thousand, and a tuple hashes fastest.
    """

    kind: RefKind
    integration_id: str
    id: str = ""

    @property
    def is_account(self) -> bool:
        """Whether it names an account of either side; an account belongs to one account group."""
        return self.kind in (RefKind.VENDOR_ACCOUNT, RefKind.PSA_ACCOUNT)

    def __str__(self) -> str:
        return self.encode()

    def encode(self) -> str:
        """The text that stands for this ref in stored documents, and in logs."""
        if self.kind is RefKind.INTEGRATION:
            return key_of(self.kind, self.integration_id)
        return key_of(self.kind, self.integration_id, self.id)

    @classmethod
    def decode(cls, text: str) -> Self:
        """The ref that `encode` made this text of. Raises `ValueError` for a kind that there is not."""
        kind, *ids = text.split(":")
        return cls(RefKind(kind), *(unquote(part) for part in ids))


def subject_of(news: State) -> Ref:
    """What a piece of news is about. Raises `TypeError` for a kind of news that billing does not keep."""
    match news:
        case vendor_sync.SubscriptionObserved() | vendor_sync.VendorAccountObserved():
            return Ref(RefKind.VENDOR_ACCOUNT, news.integration_id, news.account_id)
        case psa_sync.AgreementLineObserved() | psa_sync.PsaAccountObserved():
            return Ref(RefKind.PSA_ACCOUNT, news.integration_id, news.account_id)
        case vendor_sync.ServiceObserved():
            return Ref(RefKind.VENDOR_SERVICE, news.integration_id, news.service_id)
        case psa_sync.ProductObserved():
            return Ref(RefKind.PSA_PRODUCT, news.integration_id, news.product_id)
        case MappingDecided():
            return mapped_from(news)
        case IntegrationChanged():
            return Ref(RefKind.INTEGRATION, news.integration_id)
    raise TypeError(f"{type(news).__name__} is about nothing that billing keeps")


def mapped_from(mapping: MappingDecided) -> Ref:
    """The vendor account or vendor service that a mapping decides on."""
    kind = RefKind.VENDOR_ACCOUNT if mapping.kind is MappingKind.ACCOUNT else RefKind.VENDOR_SERVICE
    return Ref(kind, mapping.vendor_integration_id, mapping.vendor_id)


def mapped_to(mapping: MappingDecided) -> Ref | None:
    """The PSA account or PSA product that it maps to; None for a mapping that excludes or revokes."""
    if mapping.psa_integration_id is None or mapping.psa_id is None:
        return None
    kind = RefKind.PSA_ACCOUNT if mapping.kind is MappingKind.ACCOUNT else RefKind.PSA_PRODUCT
    return Ref(kind, mapping.psa_integration_id, mapping.psa_id)


def billed_as(mapping: MappingDecided) -> list[Ref]:
    """Everything as which something of it is billed: what it maps to, and the products of its rules."""
    target = mapped_to(mapping)
    if target is None:
        return []
    ids = sorted(mapping.rules.product_ids - {target.id}) if mapping.rules else []
    return [target, *(Ref(target.kind, target.integration_id, id_) for id_ in ids)]
