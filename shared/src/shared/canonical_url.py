"""Gives every address one form, by which two spellings of it are known as the same; pure.

What is called stays as it was typed and proven: this form is for comparing alone.
"""

# Invariant: two texts that lead a client to the same server and path have one canonical form (RFC 3986 §6.2.2
# and §6.2.3), which is its own canonical form:
#
#   https://API.cloud.im.:443/marketplace//./na/   → https://api.cloud.im/marketplace/na
#   https://api.cloud.im/%6Darketplace/x/../na     → https://api.cloud.im/marketplace/na
#   https://bücher.example                         → https://xn--bcher-kva.example
#
# Empty segments count for nothing, because the providers' gateways join paths. A text that is no address has
# itself as its form: nothing answers there.

import re
import string
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

_DEFAULT_PORTS = {"https": 443, "http": 80}
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_ENCODED = re.compile(r"%([0-9a-fA-F]{2})")
_SPACE = re.compile(r"\s")


def canonical_url(url: str) -> str:
    """Returns the address without a slash at its end; a query, a fragment and a user name are left out."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return url
    if not host or _SPACE.search(host):
        return url
    scheme = parts.scheme.lower()
    authority = canonical_host(host)
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        authority = f"{authority}:{port}"
    return f"{scheme}://{authority}{_canonical_path(parts.path)}"


def canonical_host(host: str) -> str:
    """Returns a host name in lower case and ASCII without a dot at its end; a literal address in brackets."""
    with suppress(ValueError):
        address = ip_address(host.strip("[]"))
        return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
    name = host
    with suppress(UnicodeError):  # longer than a name can be: compared as it is
        name = host.encode("idna").decode()
    return name.lower().rstrip(".")


def _canonical_path(path: str) -> str:
    segments: list[str] = []
    while (plainer := _ENCODED.sub(_decoded, path)) != path:
        path = plainer  # `%%36d` has become `%6d`: a form must be its own form
    # As a client sends it: a blank at the end of the form would be taken for one around the address.
    path = _SPACE.sub(lambda blank: quote(blank[0]), path)
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return "".join(f"/{segment}" for segment in segments)


def _decoded(match: re.Match[str]) -> str:
    """Returns the character where it needs no encoding, else its code in capitals."""
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()
