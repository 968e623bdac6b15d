"""Names what the engine's proposals depend on besides the items: its code, its weights, its libraries."""

# Invariant: two builds that may propose differently for the same items have different versions. Nobody has to
# think of a number: a comment that changes costs each tenant one pass too many, a rule that changes never
# goes without one.
#
#   weights_accounts.json fitted anew → another version → everything is computed once more
#   the same build started again      → the same version → nothing is

from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files

_PACKAGES = ("matcher.proposals", "matcher.catalogue")
"""The engine, and what it is told of an item."""
_LIBRARIES = ("anyascii", "cleanco", "numpy", "rapidfuzz", "scipy", "sparse-dot-topn")
_SUFFIXES = (".py", ".json", ".toml")


def engine_version() -> str:
    """Returns a text that is equal for equal builds."""
    digest = sha256()
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    for package in _PACKAGES:
        listed = [one for one in files(package).iterdir() if one.name.endswith(_SUFFIXES)]
        for file in sorted(listed, key=lambda one: one.name):
            content = file.read_bytes()
            digest.update(f"{package} {file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
