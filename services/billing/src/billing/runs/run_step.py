"""One step for one run, such that a run that fails holds up no other."""

from collections.abc import Awaitable, Callable

import structlog

from billing.runs.models import FinishedRun, RunKey
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import Backoff

log = structlog.get_logger()


async def try_step(
    run: FinishedRun, step: Callable[[FinishedRun], Awaitable[bool]], backoff: Backoff[RunKey]
) -> bool:
    """Takes the step for the run unless the step failed for it a moment ago; returns whether it did anything.

    An error is logged, and the run is left alone for a while: what stopped it may be mended by news, or by
    a new version. Raises `TransientError`, which concerns all runs alike: the store does not answer.
    """
    if not backoff.ready(run.key):
        return False
    outcome = await attempt(step(run))
    if isinstance(outcome, TransientError):
        raise outcome
    if isinstance(outcome, Exception):
        backoff.failed(run.key)
        log.error("run_set_aside", tenant_id=run.tenant_id, run_id=run.run_id, exc_info=outcome)
        return False
    return outcome
