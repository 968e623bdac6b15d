"""The last step: a service that no subscription calls by its known name any more gets a new one."""

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import ServiceObserved
from shared.sync_engine.stamp import Stamp
from vendor_sync.runs.run_context import VendorRunContext


async def rename_services(vendor: VendorRunContext) -> None:
    """Publishes new names; only a run that read every detail can tell that a name is used no more."""
    progress = await vendor.queue.progress(vendor.run)
    if vendor.run.kind is not RunKind.FULL or progress.due or progress.failed:
        return
    names = await vendor.queue.service_names(vendor.run)
    stamp = await vendor.context.stamp()
    # The smallest of several names, so that the choice does not depend on the order of reading.
    renamed = [
        _renamed(service, min(names[service.service_key]), stamp)
        async for service in vendor.context.publisher.last_seen(ServiceObserved)
        if service.name not in names.get(service.service_key, [service.name])
    ]
    await vendor.context.publisher.publish(renamed)


def _renamed(service: ServiceObserved, name: str, stamp: Stamp) -> ServiceObserved:
    """The title ends with term and billing, which a new name leaves as they are."""
    title = name + service.title.removeprefix(service.name)
    return service.model_copy(update={**stamp.fields, "name": name, "title": title})
