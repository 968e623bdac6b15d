"""What the service and the process of the engine say to each other."""

# Invariant: the process keeps lists by name from one task to the next, and knows of each what all tasks since
# the one that began it (`is_new`) have told:
#
#   {"name": "t1/int_1", "is_new": true, "vendor": [v1, v2], "psa": [p1]}   → all that is proposed
#   {"name": "t1/int_1", "psa": [p1 renamed], "wanted": ["v2"]}             → what is so no more, and v2

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from matcher.proposals.models import RankedItem
from matcher.proposals.records import AccountRecord, ServiceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTask:
    """What of two lists has changed, besides what there is now."""

    name: str
    is_new: bool = False
    """Whether nothing that was told before counts."""
    is_kept: bool = True
    """Whether more will be told; of very long lists it is not, for they would take the memory for good."""
    gone_vendor: list[str] = field(default_factory=list)
    gone_psa: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    """Vendor items that are answered for even if nothing else is proposed for them than before."""
    forgotten: list[str] = field(default_factory=list)
    """Lists that are needed no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTask(IndexTask):
    """New and changed accounts."""

    vendor: list[AccountRecord]
    psa: list[AccountRecord]
    of: Literal["account"] = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTask(IndexTask):
    """New and changed services and products."""

    vendor: list[ServiceRecord]
    psa: list[ServiceRecord]
    of: Literal["service"] = "service"


Task = Annotated[AccountTask | ServiceTask, Field(discriminator="of")]
RankedLine = tuple[str, list[RankedItem]]
"""A line of the answer: a vendor item's key and what it may be. In lines, for one large text would hold up
everything else that the service does while it is read; an empty line ends the answer."""
Ranked = Mapping[str, list[RankedItem]]
"""By the vendor item's key, the likeliest first."""
