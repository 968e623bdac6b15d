"""Refs: short names of what news is about, so that only the lines concerned are reconciled again.

`v:` a vendor account, `p:` a PSA account, `s:` a vendor service, `d:` a PSA product, `i:` an integration;
each followed by its ids, percent-encoded.
"""

from functools import singledispatch
from urllib.parse import unquote

from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import State, key_of
from shared.contracts.matcher import MappingDecided, MappingKind


def vendor_account(integration_id: str, account_id: str) -> str:
    return key_of("v", integration_id, account_id)


def psa_account(integration_id: str, account_id: str) -> str:
    return key_of("p", integration_id, account_id)


def service(integration_id: str, service_id: str) -> str:
    return key_of("s", integration_id, service_id)


def product(integration_id: str, product_id: str) -> str:
    return key_of("d", integration_id, product_id)


def integration(integration_id: str) -> str:
    return key_of("i", integration_id)


def parsed(ref: str) -> tuple[str, str, str]:
    """The kind, the integration and the id of what a ref names; of an integration itself there is no id."""
    kind, integration_id, *rest = (unquote(part) for part in ref.split(":"))
    return kind, integration_id, "".join(rest)


def is_account(ref: str) -> bool:
    """Whether it names one account, of either side, and so one scope at most."""
    return ref.startswith(("v:", "p:"))


@singledispatch
def ref_of(news: State) -> str:
    """What a piece of news is about; raises `TypeError` for a kind that billing does not keep."""
    raise TypeError(f"{type(news).__name__} tells of nothing that billing knows")


@ref_of.register(vendor_sync.VendorAccountObserved)
@ref_of.register(vendor_sync.SubscriptionObserved)
def _of_vendor_account(news: vendor_sync.VendorAccountObserved | vendor_sync.SubscriptionObserved) -> str:
    return vendor_account(news.integration_id, news.account_id)


@ref_of.register(psa_sync.PsaAccountObserved)
@ref_of.register(psa_sync.AgreementLineObserved)
def _of_psa_account(news: psa_sync.PsaAccountObserved | psa_sync.AgreementLineObserved) -> str:
    return psa_account(news.integration_id, news.account_id)


@ref_of.register
def _of_service(news: vendor_sync.ServiceObserved) -> str:
    return service(news.integration_id, news.service_id)


@ref_of.register
def _of_product(news: psa_sync.ProductObserved) -> str:
    return product(news.integration_id, news.product_id)


@ref_of.register
def _of_integration(news: IntegrationChanged) -> str:
    return integration(news.integration_id)


@ref_of.register
def _of_mapping(news: MappingDecided) -> str:
    return mapped_from(news)


def mapped_from(mapping: MappingDecided) -> str:
    name = vendor_account if mapping.kind is MappingKind.ACCOUNT else service
    return name(mapping.vendor_integration_id, mapping.vendor_id)


def mapped_to(mapping: MappingDecided) -> str | None:
    if mapping.psa_integration_id is None or mapping.psa_id is None:
        return None
    name = psa_account if mapping.kind is MappingKind.ACCOUNT else product
    return name(mapping.psa_integration_id, mapping.psa_id)
