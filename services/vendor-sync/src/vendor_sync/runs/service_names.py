"""The last step: renames services that no subscription calls so, and retires those that none names."""

# Invariant: a service keeps its name as long as any subscription calls it so. Subscriptions may name one
# service differently, and a name that followed the last reading would change with the order of reading:
#
#   published "Basic"   read {"Basic", "Basic (NCE)"}      → stays "Basic"
#                       read {"Basic (NCE)", "M365 Basic"} → "Basic (NCE)", the smallest, whatever the order
#
# A service is absent when no account has anything of it by the last readings, and comes back with the first
# detail that names it. What could not be read names what it named before.

from shared.contracts.base import RunKind
from shared.contracts.manifest import ListingExtent
from shared.contracts.vendor_sync import ServiceObserved
from vendor_sync.runs.offers import retitle
from vendor_sync.runs.run_context import VendorRunContext


async def settle_services(vendor: VendorRunContext) -> None:
    """Publishes new names and absences; only a run that read every detail can tell of either."""
    progress = await vendor.queue.progress(vendor.run)
    if vendor.run.kind is not RunKind.FULL or progress.due:
        return
    names = await vendor.queue.service_names(vendor.run)
    items = await vendor.queue.items(vendor.run)
    lists = vendor.last_lists or vendor.first_lists
    stamp = await vendor.context.stamp()
    changed: list[ServiceObserved] = []
    async for service in vendor.context.publisher.last_seen(ServiceObserved):
        read_names = names.get(service.service_key, [])
        if not service.present:
            continue
        if service.service_id not in items:
            # A list that fell short may have left out whoever has it.
            if lists.extent is ListingExtent.WHOLE:
                changed.append(stamp.absent(service))
        elif read_names and service.name not in read_names:
            name = min(read_names)
            title = retitle(service.title, service.name, name)
            changed.append(service.model_copy(update={**stamp.fields, "name": name, "title": title}))
    await vendor.context.publisher.publish(changed)
