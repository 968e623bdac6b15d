"""The last step: a service that no subscription calls by its known name any more gets a new one."""

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import ServiceObserved
from vendor_sync.runs.observations import Stamp
from vendor_sync.runs.run_context import VendorRunContext


async def settle_names(reading: VendorRunContext) -> None:
    """Only a run that read every detail can tell; the choice is the same whatever came first."""
    stand = await reading.todo.stand(reading.run)
    if reading.run.kind is not RunKind.FULL or stand.due or stand.failed:
        return
    said = await reading.todo.names(reading.run)
    stamp = await reading.stamp()
    # The smallest of several names, so that the next run chooses the same one.
    outdated = [
        _called(seen, min(said[seen.service_key]), stamp)
        async for seen in reading.walk.observer.seen(ServiceObserved)
        if seen.name not in said.get(seen.service_key, [seen.name])
    ]
    await reading.walk.observer.publish(outdated)


def _called(seen: ServiceObserved, name: str, stamp: Stamp) -> ServiceObserved:
    title = name + seen.title.removeprefix(seen.name)
    return seen.model_copy(update={**stamp.fields, "name": name, "title": title})
