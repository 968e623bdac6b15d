"""One version of something that was observed or decided."""

from typing import Any

from pydantic import AwareDatetime

from shared.contracts.base import ContractModel


class ObservedVersion(ContractModel):
    """When it was true, when it was learnt, and what was told."""

    kind: str
    key: str
    revision: int
    true_at: AwareDatetime | None
    learnt_at: AwareDatetime
    told: dict[str, Any]
