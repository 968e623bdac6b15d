"""Says when two items of one name are certainly two: then equality maps nothing by itself."""

# Invariant: only what both sides state, and state differently, makes two of one; what one of them does
# not say contradicts nothing. Towns, postcodes and domains differ between the offices of one firm, so
# they do not count.
#
#   Contoso, tax id DE111 · Contoso, tax id DE222            two firms
#   Contoso, tax id DE111 · Contoso                          no contradiction
#   Business Premium, 1 year · Business Premium [M365-BP-1M] two products: the Product ID says another term

from matcher.proposals.accounts import read_account
from matcher.proposals.records import AccountRecord, ServiceRecord
from matcher.proposals.services import read_service


def are_two_accounts(vendor: AccountRecord, psa: AccountRecord) -> bool:
    """Whether the tax ids or the countries say that these are two firms."""
    ours, theirs = read_account(vendor), read_account(psa)
    return _differ(ours.tax_id, theirs.tax_id) or _differ(ours.country, theirs.country)


def are_two_services(vendor: ServiceRecord, psa: ServiceRecord) -> bool:
    """Whether the terms or the billing periods say that these are two products."""
    ours, theirs = read_service(vendor), read_service(psa)
    return _differ(ours.term, theirs.term) or _differ(ours.billing, theirs.billing)


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other
