from datetime import UTC, datetime, timedelta

from observation_builders import an_agreement_line
from run_env import NOW, an_account, connected

from shared.sync_engine.models import IntegrationState
from shared.sync_engine.stamp import Stamp, moment_of


def a_stamp() -> Stamp:
    integration = IntegrationState.connected(connected(generation=3))
    return Stamp.of(integration, "run_9", 41, NOW + timedelta(hours=1))


def test_a_stamp_names_the_integration_in_its_present_generation() -> None:
    assert a_stamp().fields == {
        "tenant_id": "demo",
        "integration_id": "int_1",
        "run_id": "run_9",
        "generation": 3,
        "revision": 41,
        "observed_at": NOW + timedelta(hours=1),
    }


def test_an_absent_thing_keeps_what_it_held_last_under_the_new_stamp() -> None:
    last_seen = an_account(name="Contoso", revision=5, run_id="run_1")

    absent = a_stamp().absent(last_seen)

    assert not absent.present
    assert (absent.name, absent.status, absent.key) == ("Contoso", last_seen.status, last_seen.key)
    assert (absent.run_id, absent.generation, absent.revision) == ("run_9", 3, 41)
    assert absent.observed_at == NOW + timedelta(hours=1)
    assert last_seen.present


def test_the_moment_of_a_revision_is_as_exact_as_a_store_keeps_it() -> None:
    assert moment_of(1_764_382_000_123_456) == datetime(2025, 11, 29, 2, 6, 40, 123_000, tzinfo=UTC)


def test_what_was_read_back_and_is_gone_later_is_no_read_back() -> None:
    last_seen = an_agreement_line(7, read_back=True)

    assert not a_stamp().absent(last_seen).read_back
