"""Bodies of the answers about runs and syncs."""

from pydantic import AwareDatetime, BaseModel, Field

from billing.runs.models import RunStage
from billing.usage.totals import Totals
from shared.contracts.base import ContractModel, Outcome, RunKind
from shared.contracts.fields import Number
from shared.contracts.run_end import UnreadAccount


class RunResponse(ContractModel):
    """A run as people see it."""

    run_id: str
    integration_id: str
    sync_ids: tuple[str, ...]
    kind: RunKind
    outcome: Outcome = Field(description="What the sync service said.")
    reason: str | None = None
    exceptions: tuple[str, ...] = Field((), description="Single things that could not be read.")
    unread_accounts: tuple[UnreadAccount, ...] = Field(
        (), description="Accounts that keep what was read of them before; those that were named."
    )
    counts: dict[str, int]
    coverage: Number
    started_at: AwareDatetime
    finished_at: AwareDatetime
    state: RunStage
    verdict: Outcome | None = Field(None, description="What it is to billing; none until it is closed.")
    closed_at: AwareDatetime | None = None
    reconciled_at: AwareDatetime | None = None
    totals: Totals | None = None


class RunPage(BaseModel):
    """Newest first; `next` is the `after` of the page behind."""

    runs: tuple[RunResponse, ...]
    next: str | None


class StartSyncResponse(BaseModel):
    """The sync, whose runs and completion carry its id."""

    sync_id: str
    integration_ids: tuple[str, ...]
