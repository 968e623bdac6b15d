"""Says when two items of one name are certainly two: then equality maps nothing by itself."""

# Invariant: only what both sides state, and state differently, makes two of one; what one of them does not
# say contradicts nothing. Towns, postcodes and domains differ between the offices of one firm, so they do
# not count.
#
#   Contoso, tax id DE111 · Contoso, tax id DE222              "tax id DE111 beside DE222"
#   Contoso, tax id DE111 · Contoso                            no contradiction
#   Contoso, tax id DE111 · Contoso, tax id 111                no contradiction: one number, written twice
#   Business Premium, 1 year · Business Premium [M365-BP-1M]   "term 1 year beside 1 month"

from matcher.catalogue.items import Item
from matcher.proposals.accounts import is_same_tax_id, read_account
from matcher.proposals.item_records import account_record, service_record
from matcher.proposals.records import AccountRecord, ServiceRecord
from matcher.proposals.services import read_service
from shared.contracts.matcher import MappingKind


def account_contradiction(vendor: AccountRecord, psa: AccountRecord) -> str:
    """Returns in words by what these are two firms; empty when nothing says so."""
    if not (vendor.tax_id and psa.tax_id) and not (vendor.country and psa.country):
        return ""  # nearly always: names need not be read
    ours, theirs = read_account(vendor), read_account(psa)
    if ours.tax_id and theirs.tax_id and not is_same_tax_id(ours.tax_id, theirs.tax_id):
        return f"tax id {vendor.tax_id} beside {psa.tax_id}"
    return f"country {vendor.country} beside {psa.country}" if _differ(ours.country, theirs.country) else ""


def service_contradiction(vendor: ServiceRecord, psa: ServiceRecord) -> str:
    """Returns in words by what these are two products; empty when nothing says so."""
    ours, theirs = read_service(vendor), read_service(psa)
    if _differ(ours.term, theirs.term):
        return f"term {ours.term} beside {theirs.term}"
    return (
        f"billed every {ours.billing} beside {theirs.billing}"
        if _differ(ours.billing, theirs.billing)
        else ""
    )


def item_contradiction(vendor: Item, psa: Item) -> str:
    """Returns the same for two items of the catalogue."""
    if vendor.kind.mapping_kind is MappingKind.ACCOUNT:
        return account_contradiction(account_record(vendor), account_record(psa))
    return service_contradiction(service_record(vendor), service_record(psa))


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other
