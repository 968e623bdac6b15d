"""The checksum of a state topic: tells a reader whether it has stored all that was published."""

# Invariant: two sides whose checksums are equal hold the same things at the same revisions. Observations are
# published only where they differ, so what one run published says nothing of what is there; the checksum is
# of everything that is stated by now, gone things included. It is a sum, so the order does not matter:
#
#   stated {a r7, b r9}     here {b r9, a r7} → equal        here {a r7} or {a r7, b r8} → something travels
#   a later run states b r12 meanwhile → here {a r7, b r12}: never equal again, the later run's will be

from dataclasses import dataclass
from hashlib import sha256

from shared.contracts.base import ContractModel
from shared.contracts.fields import Id, Integer, Revision

_BITS = 63
"""As many as the document store holds in a whole number."""


class TopicChecksum(ContractModel):
    """How many things of one integration a topic states, and a checksum of their keys and revisions."""

    topic: Id
    things: Integer
    """Gone things included."""
    newest_revision: Revision
    """The largest revision among them; 0 when there are none."""
    checksum: Integer


@dataclass(slots=True)
class ChecksumSum:
    """Adds up things one by one, in any order, each once."""

    topic: str
    _things: int = 0
    _newest_revision: int = 0
    _sum: int = 0

    def add(self, key: str, revision: int) -> None:
        """Adds a thing by the key of its messages and the revision of the newest one."""
        digest = sha256(f"{key}@{revision}".encode()).digest()
        self._sum = (self._sum + int.from_bytes(digest[:8])) % 2**_BITS
        self._things += 1
        self._newest_revision = max(self._newest_revision, revision)

    @property
    def result(self) -> TopicChecksum:
        return TopicChecksum(
            topic=self.topic,
            things=self._things,
            newest_revision=self._newest_revision,
            checksum=self._sum,
        )
