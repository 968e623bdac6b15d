"""What the service and the process of the engine say to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from matcher.catalogue.items import Item
from matcher.proposals.item_records import account_record, service_record
from matcher.proposals.models import RankedItem
from matcher.proposals.records import AccountRecord, ServiceRecord
from shared.contracts.matcher import MappingKind


@dataclass(frozen=True, slots=True)
class AccountTask:
    """Two lists of accounts to compare."""

    vendor: list[AccountRecord]
    psa: list[AccountRecord]
    of: Literal["account"] = "account"


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """A list of services to compare with one of products."""

    vendor: list[ServiceRecord]
    psa: list[ServiceRecord]
    of: Literal["service"] = "service"


Task = Annotated[AccountTask | ServiceTask, Field(discriminator="of")]
RankedLine = tuple[str, list[RankedItem]]
"""A line of the answer: a vendor item's key and what it may be. In lines, for one large text would hold up
everything else that the service does while it is read."""


def task_of(kind: MappingKind, vendor: Sequence[Item], psa: Sequence[Item]) -> AccountTask | ServiceTask:
    if kind is MappingKind.ACCOUNT:
        return AccountTask([account_record(one) for one in vendor], [account_record(one) for one in psa])
    return ServiceTask([service_record(one) for one in vendor], [service_record(one) for one in psa])
