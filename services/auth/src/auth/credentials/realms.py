"""Names what is connected at a provider: two spellings of one marketplace or company are one realm; pure."""

# Invariant: a realm that is stored is never respelt, for mappings and ids rest on it. It is found again by
# its canonical form, without the owner, whom an older build did not know:
#
#   stored by an older build    https://API.cloud.im:443/marketplace/na#us, in lower case
#   stored now                  https://api.cloud.im/marketplace/na#us@1000001
#   connected again             https://api.cloud.im//marketplace/na/ and us: the same as both

from shared.canonical_url import canonical_url

_OWNER = "@"
"""Stands before the owner; no marketplace has it in its code, nor is it left in an address."""


def ingram_realm(base_url: str, marketplace: str, *, owner: str | None = None) -> str:
    """Returns address, marketplace and, where it is told, the reseller."""
    realm = f"{canonical_url(base_url)}#{marketplace}".lower()
    return f"{realm}{_OWNER}{owner}" if owner else realm


def canonical_ingram_realm(stored: str) -> str:
    """Returns the canonical form of a stored realm, without the reseller."""
    base_url, _, rest = stored.partition("#")
    return ingram_realm(base_url, rest.partition(_OWNER)[0])


def connectwise_realm(host: str, company: str) -> str:
    """Returns host and company; https goes without saying. Company ids are the same in any case."""
    origin = canonical_url(host if "://" in host else f"https://{host}").removeprefix("https://")
    return f"{origin}/{company}".lower()


def canonical_connectwise_realm(stored: str) -> str:
    """Returns the canonical form of a stored realm."""
    host, _, company = stored.rpartition("/")
    return connectwise_realm(host, company)
