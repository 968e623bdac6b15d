"""What ingesting news and applying manifests need of the store.

An import contract keeps use cases from repositories, so each is a protocol although one class implements it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from billing.observations.change_notice import ChangeNotice, StoredNews
from billing.observations.manifests import ManifestDecision, ManifestSnapshot, StoredStatements
from billing.usage.manifest import AppliedManifest
from billing.usage.manifest_reader import NamedThing
from billing.usage.ref import Ref
from shared.contracts.manifest import AccountRead
from shared.contracts.matcher import MappingDecided
from shared.contracts.psa_sync import AgreementLineObserved
from shared.work_queue import WorkItem


class ObservationStore(Protocol):
    """Keeps the state of things."""

    async def store(self, tenant_id: str, notices: Sequence[ChangeNotice]) -> StoredNews:
        """Stores news of one kind, forward-only."""


class DecisionWatcher(Protocol):
    """Is told of decisions on mappings; see `billing.audit.decision_log`."""

    def tenant_lock(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """Returns the lock to hold around the transaction in which decisions are stored."""

    async def enter(self, tenant_id: str, decisions: Sequence[MappingDecided], *, session: Any) -> None:
        """Takes decisions that were never stored before, in the transaction that stores them."""


class ReadBackLog(Protocol):
    """Keeps the read-backs of our own writes; see `ReadBacks`."""

    async def note(self, tenant_id: str, lines: Mapping[Ref, Iterable[AgreementLineObserved]]) -> set[Ref]:
        """Notes the newest read-backs of lines, by account; returns the other accounts of the lines."""


class WorkRequests(Protocol):
    """Takes requests to work on accounts: to calculate their lines again, or to note what arrives."""

    async def enqueue_refs(self, tenant_id: str, refs: Collection[Ref]) -> None: ...

    async def enqueue_arrivals(self, tenant_id: str, revisions: Mapping[Ref, int]) -> None: ...


class RunJudgement(Protocol):
    """Whether the runs of some manifests are believed, worked out before these count."""

    @property
    def doubted(self) -> Collection[tuple[str, str]]:
        """Integration and run id of the runs that nobody believed before."""

    async def store(self, session: Any) -> None:
        """Stores it in the transaction (its session) in which the manifests begin to count.

        Raises `TransientError` when somebody else has judged one of the runs meanwhile.
        """

    def tell(self) -> None:
        """Tells people who look of the runs that are held by it, once it is committed."""


class ManifestStore(Protocol):
    """Keeps manifests from their parts to the moment at which they count; see `ManifestRepository`."""

    async def store(self, tenant_id: str, parts: Iterable[AccountRead]) -> None: ...

    async def due(self) -> Mapping[str, Sequence[WorkItem]]: ...

    async def snapshot(self, tenant_id: str, accounts: Collection[Ref]) -> ManifestSnapshot: ...

    async def settle(self, tenant_id: str, items: Sequence[WorkItem], waiting: Collection[Ref]) -> None: ...

    async def look_up(
        self, tenant_id: str, statements: Mapping[Ref, Collection[tuple[str, int]]]
    ) -> Mapping[Ref, StoredStatements]: ...

    async def apply(
        self,
        tenant_id: str,
        decisions: Mapping[Ref, ManifestDecision],
        recalculated: Collection[Ref],
        judgement: RunJudgement,
        *,
        settled: int,
    ) -> bool: ...


class AppliedManifests(Protocol):
    """Reads what counts; see `ManifestReader`."""

    async def things(
        self, tenant_id: str, manifests: Collection[AppliedManifest]
    ) -> Mapping[Ref, Sequence[NamedThing]]: ...


class IntegrationGenerations(Protocol):
    """Knows how often integrations were connected."""

    async def generations(self, tenant_id: str) -> Mapping[str, int]:
        """Returns the newest generation of each integration that is known here."""


class RunJudge(Protocol):
    """Judges runs by what their manifests change; see `billing.feeds`."""

    async def rejected(self, tenant_id: str) -> Collection[tuple[str, str]]:
        """Returns integration and run id of the runs that people did not believe."""

    async def doubted(self, tenant_id: str) -> Collection[tuple[str, str]]:
        """Returns those of the runs that wait for a person as well."""

    async def judge(
        self,
        tenant_id: str,
        manifests: Mapping[Ref, AppliedManifest],
        doubted: Collection[tuple[str, str]],
    ) -> RunJudgement:
        """Judges the runs of manifests that are about to count, and change something."""
