"""(d) by twins: one history twice, the second time with one odd subscription more."""

# Invariant: at rest both histories show the same in every line that the odd subscription has no part in.
# Nobody approves anything in them, so both worlds end alike whatever the services do.
#
#   co3/p2 is 7, and 7 + what cannot be read with the odd one   co3/p1 is 4 in both

from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.bug_log import BUGS
from tests.simulation.scenario import OFFERS
from tests.simulation.schedule import Decision, Kind, schedule
from tests.simulation.simulation import Simulation
from tests.simulation.world import Subscription, Target

ODD = Subscription("odd", "a4", OFFERS[2], 5)
"""It is read once, then answers 403 for good: what was never read may be of any service of its account."""
_LOOK_SECONDS = 5.0

Shown = Mapping[Target, tuple[Any, ...]]


def twin_decisions(seed: str, steps: int) -> Sequence[Decision]:
    """What happens in both: everything but approvals, and databases that forget what was read."""
    return [one for one in schedule(seed, steps) if one.kind not in (Kind.APPROVE, Kind.RESTORE)]


def shown_at_rest(seed: str, decisions: Sequence[Decision], *, with_odd: bool) -> Shown:
    """What each line shows at the end that has no part of the odd subscription."""
    with BUGS.taking_over():
        simulation = Simulation(seed)
        if with_odd:
            simulation.around.world.bystanders.add(ODD.id)
            simulation.around.world.put(ODD)
            _turn_odd_when_read(simulation)
        try:
            simulation.run(decisions)
            lines = simulation.around.databases["billing"].documents("usage_lines")
        finally:
            simulation.close()
    shown = {_target(line): _told(line) for line in lines if line["present"]}
    return {target: told for target, told in shown.items() if target[1] != ODD.offer.product}


def _turn_odd_when_read(simulation: Simulation) -> None:
    entries = simulation.around.databases["vendor-sync"].documents("subscriptions")
    if any(ODD.id in str(entry["_id"]) and entry["read_at"] for entry in entries):
        simulation.around.world.unreadable_subscriptions.add(ODD.id)
    else:
        simulation.around.network.later(_LOOK_SECONDS, lambda: _turn_odd_when_read(simulation))


def _target(line: Mapping[str, Any]) -> Target:
    return (
        line["psa_account_id"] or line["vendor_account_id"],
        line["psa_product_id"] or line["service_id"],
    )


def _told(line: Mapping[str, Any]) -> tuple[Any, ...]:
    counts = [(line[side]["number"], line[side]["missing"]) for side in ("vendor_count", "psa_count")]
    return (line["line_class"], line["reason"], *counts)
