"""The end of a run of either side, with what it published and what it left unread."""

from typing import ClassVar

from shared.contracts.base import ContractModel, Event, Outcome, RunKind, bounded
from shared.contracts.fields import Id, Integer, Listed, Moment, Number, Remark, Revision, Sentence
from shared.contracts.topic_checksum import TopicChecksum


class UnreadAccount(ContractModel):
    """An account of which a run made no manifest: it keeps the one before."""

    account_id: Id
    reason: Remark


class RunFinished(Event):
    """A run ended; billing closes it once it has applied the manifests that it counts."""

    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: Id
    run_id: Id
    sync_id: Id
    generation: Integer
    kind: RunKind
    outcome: Outcome
    reason: Sentence | None = None
    """Why the run is not complete, in a sentence; None when it is."""
    exceptions: Listed[tuple[Remark, ...]] = ()
    """What single things could not be read, although the run as a whole was; a complete run may have some."""
    first_revision: Revision
    """No observation and no manifest of this run has a smaller revision."""
    manifests: Integer
    """How many manifests the run published, of some accounts more than one."""
    unread_accounts: Listed[tuple[UnreadAccount, ...]] = ()
    """Accounts that are due and have no manifest of this run: the first of them, when there are many."""
    counts: Listed[dict[Id, Integer]]
    """What was read, by noun (accounts, subscriptions, details, …)."""
    checksums: Listed[tuple[TopicChecksum, ...]] = ()
    """Of the accounts and catalogue items that are stated when the run ends; none unless it is complete."""
    coverage: Number
    """Share of the due items that were read, 0 to 1."""
    started_at: Moment
    finished_at: Moment

    _sendable = bounded("exceptions", "unread_accounts", "counts", "checksums")
