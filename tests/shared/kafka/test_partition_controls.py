from datetime import UTC, datetime

from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker

from shared.kafka.partition_controls import PartitionControls, Pause

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_paused_partition_makes_the_service_degraded_with_its_reason_until_it_is_resumed() -> None:
    controls = PartitionControls(KafkaBroker())
    assert controls.degradation() is None

    controls.replace([Pause(TopicPartition("vendor-sync.sync.v1", 2), "a bad build", "ann", NOON)])
    sentence = controls.degradation()
    controls.replace([])

    assert sentence is not None
    assert sentence.startswith("vendor-sync.sync.v1:2 paused by ann (a bad build): `consumers resume`")
    assert controls.degradation() is None
