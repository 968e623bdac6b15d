"""The broker of the simulation keeps the order that the product relies on."""

from random import Random

from tests.simulation.broker import Groups, SimulatedBroker
from tests.simulation.log import Log
from tests.simulation.network import Network
from tests.simulation.process import Process
from tests.simulation.virtual_loop import VirtualLoop


def test_what_is_handed_over_in_order_is_appended_in_order() -> None:
    loop = VirtualLoop(Random(1))  # type: ignore[abstract]  # it has what asyncio calls
    network, log = Network(loop, Random(2)), Log(loop, Random(3))
    network.is_faulty = False
    process = Process(loop, "billing 1")
    broker = SimulatedBroker(process, log, network, groups=Groups(log, network), random=Random(4))

    async def publish() -> None:
        for number in range(20):
            await broker.publish(b"%d" % number, "topic", key=b"k", headers={}, no_confirm=True)

    process.spawn(publish())
    loop.run_until(10)  # until all of it is acknowledged

    assert [record.value for record in log.of_topic("topic")] == [b"%d" % number for number in range(20)]
