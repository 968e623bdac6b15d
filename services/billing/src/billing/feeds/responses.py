"""Bodies of the answers about held runs."""

from pydantic import BaseModel

from billing.feeds.models import HeldRun


class HeldRunPage(BaseModel):
    """The newest first."""

    runs: tuple[HeldRun, ...]
