"""The last step: gives a new name to each service that no subscription calls by its published name."""

# Invariant: a service keeps its name as long as any subscription calls it so. Subscriptions may name one
# service differently, and a name that followed the last reading would change with the order of reading:
#
#   published "Basic"   read {"Basic", "Basic (NCE)"}      → stays "Basic"
#                       read {"Basic (NCE)", "M365 Basic"} → "Basic (NCE)", the smallest, whatever the order

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import ServiceObserved
from vendor_sync.runs.offers import retitle
from vendor_sync.runs.run_context import VendorRunContext


async def rename_services(vendor: VendorRunContext) -> None:
    """Publishes new names; only a run that read every detail can tell that a name is used no more."""
    progress = await vendor.queue.progress(vendor.run)
    if vendor.run.kind is not RunKind.FULL or progress.due or progress.failed:
        return
    names = await vendor.queue.service_names(vendor.run)
    stamp = await vendor.context.stamp()
    renamed: list[ServiceObserved] = []
    async for service in vendor.context.publisher.last_seen(ServiceObserved):
        read_names = names.get(service.service_key, [])
        if read_names and service.name not in read_names:
            name = min(read_names)
            title = retitle(service.title, service.name, name)
            renamed.append(service.model_copy(update={**stamp.fields, "name": name, "title": title}))
    await vendor.context.publisher.publish(renamed)
