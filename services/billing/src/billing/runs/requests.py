"""Body of `POST /syncs`."""

from pydantic import BaseModel, ConfigDict

from shared.contracts.base import RunKind


class StartSyncRequest(BaseModel):
    """Which kind of sync."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RunKind = RunKind.FULL
