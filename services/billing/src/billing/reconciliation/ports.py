"""What the reconciler needs of the store.

An import contract keeps use cases from repositories, so each is a protocol although one class implements it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from billing.usage.account_group import AccountGroup
from billing.usage.diff import LineRevision
from billing.usage.recalculation_request import RecalculationRequest
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine


@dataclass(frozen=True, slots=True)
class LoadedGroups:
    """Account groups, whole, and the accounts whose stored lines theirs replace."""

    groups: Sequence[AccountGroup]
    replaced_accounts: frozenset[Ref]


class RequestQueue(Protocol):
    """Holds requests until the lines that they lead to are stored; see `RecalculationQueue`."""

    async def tenants(self, now: datetime) -> Sequence[str]: ...

    async def newest(self, tenant_id: str) -> datetime | None: ...

    async def read_due_requests(
        self, tenant_id: str, lane: str, *, now: datetime, limit: int, skip: int = 0
    ) -> Sequence[RecalculationRequest]: ...

    async def enqueue_refs(self, tenant_id: str, refs: Collection[Ref], *, at: datetime) -> None: ...

    async def requeue_accounts_after(
        self, tenant_id: str, accounts: Collection[Ref], *, at: datetime, not_before: datetime
    ) -> None: ...

    async def complete(self, tenant_id: str, ids: Collection[str]) -> None: ...


class NewsLog(Protocol):
    """Remembers how new the news of each account is; see `AccountNews`."""

    async def note(self, tenant_id: str, revisions: Mapping[Ref, int]) -> None: ...


class GroupLoader(Protocol):
    """Reads what was observed, by account group; see `AccountGroupLoader`."""

    async def affected_accounts(self, tenant_id: str, refs: Collection[Ref]) -> set[Ref]: ...

    async def group_accounts(self, tenant_id: str, accounts: Collection[Ref]) -> Mapping[Ref, frozenset[Ref]]:
        """Returns all accounts of the group that each of these accounts belongs to."""

    async def load_groups(self, tenant_id: str, accounts: Collection[Ref]) -> LoadedGroups: ...

    async def overtaken_accounts(self, tenant_id: str, groups: Collection[AccountGroup]) -> set[Ref]:
        """Returns the accounts of these groups whose manifest was replaced since they were loaded."""


class LineStore(Protocol):
    """Keeps usage lines, and the fence of each shard; see `UsageLineRepository`."""

    async def lines_of_accounts(self, tenant_id: str, accounts: Iterable[Ref]) -> Sequence[UsageLine]: ...

    async def verify_fence(self, tenant_id: str, token: str) -> None: ...

    async def save(self, tenant_id: str, revisions: Sequence[LineRevision], *, token: str) -> None: ...
