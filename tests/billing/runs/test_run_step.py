"""A run that cannot be closed or broadcast holds up no other."""

from billing_world import FakeStatusChannel, World, a_world
from observation_builders import a_finished_run

from billing.observations.integrations import IntegrationDirectory
from billing.observations.manifest_receipts import AppliedCount
from billing.observations.manifest_repository import ManifestRepository
from billing.runs.models import RunStage
from billing.runs.ports import ClosingPorts
from billing.runs.run_closer import RunCloser
from billing.runs.sync_completer import SyncCompleter
from shared.mongo import Mongo
from shared.status_channel import RunStatus

BAD, GOOD = a_finished_run(run_id="bad"), a_finished_run(run_id="good", sync_id="sync-2")


class FailingProgress(ManifestRepository):
    """Raises when it is asked how many manifests of the run `bad` count."""

    tries = 0

    async def applied_of_run(self, tenant_id: str, integration_id: str, run_id: str) -> AppliedCount:
        if run_id == "bad":
            self.tries += 1
            raise ValueError("a bug")
        return await super().applied_of_run(tenant_id, integration_id, run_id)


class FailingBoard(FakeStatusChannel):
    """Raises when it is told of the run `bad`."""

    async def report(self, status: RunStatus) -> int:
        if status.run_id == "bad":
            raise ValueError("a bug")
        return await super().report(status)


async def test_a_run_that_cannot_be_closed_holds_up_no_other(mongo: Mongo) -> None:
    world, progress = await a_world_with_failing_progress(mongo)
    await world.run_closer.record([BAD, GOOD])

    await world.settle()

    assert await states(mongo) == {"bad": RunStage.HEARD, "good": RunStage.RECONCILED}
    assert progress.tries == 1


async def test_a_run_that_failed_is_tried_again_after_a_pause(mongo: Mongo) -> None:
    world, progress = await a_world_with_failing_progress(mongo)
    await world.run_closer.record([BAD])
    await world.settle()

    world.advance(minutes=1)
    await world.settle()

    assert progress.tries == 2


async def test_a_completion_that_cannot_be_broadcast_holds_up_no_other(mongo: Mongo) -> None:
    world, board = await a_world(mongo), FailingBoard()
    integrations = IntegrationDirectory(mongo)
    world.sync_completer = SyncCompleter(world.runs, world.lines, board, integrations=integrations)
    await world.run_closer.record([BAD, GOOD])

    await world.settle()

    assert [status.run_id for status in board.reported] == ["good"]


async def a_world_with_failing_progress(mongo: Mongo) -> tuple[World, FailingProgress]:
    world = await a_world(mongo)
    progress = FailingProgress(mongo, world.queue)
    closing = ClosingPorts(world.runs, progress, world.lines, world.queue, world.sync_requests)
    world.run_closer = RunCloser(closing, clock=world.clock)
    return world, progress


async def states(mongo: Mongo) -> dict[str, str]:
    return {row["run_id"]: row["state"] for row in await mongo.all_tenants("runs").find()}
