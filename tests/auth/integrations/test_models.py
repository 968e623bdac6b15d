from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from provider_fakes import a_connectwise, an_ingram

from auth.integrations.models import Integration
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import integration_id_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def an_integration(**changed: Any) -> Integration:
    return Integration.connect("demo", an_ingram(), previous=None, now=NOW).model_copy(update=changed)


def test_the_same_realm_is_the_same_integration_however_it_is_typed() -> None:
    typed = {"host": "https://API-NA.myconnectwise.net/", "company": "ACME"}
    again = Integration.connect("demo", a_connectwise(**typed), previous=None, now=NOW)

    assert a_connectwise().realm == "api-na.myconnectwise.net/acme"
    assert an_ingram().realm == "https://api.cloud.im/marketplace/na#us"
    assert again.integration_id == integration_id_of("demo", "connectwise", a_connectwise().realm)


def test_connecting_again_raises_the_generation_and_keeps_what_a_person_set() -> None:
    before = an_integration(name="My marketplace", status=IntegrationStatus.ERROR, reason="refused")

    after = Integration.connect("demo", an_ingram(), previous=before, now=LATER)

    assert (after.status, after.reason) == (IntegrationStatus.PENDING, None)
    assert after.generation > before.generation
    assert after.name == "My marketplace"
    assert after.revision > before.revision


@pytest.mark.parametrize(
    "status",
    [
        IntegrationStatus.ERROR,
        IntegrationStatus.DISABLED,
        IntegrationStatus.DISCONNECTED,
        IntegrationStatus.ACTIVE,
    ],
)
def test_finishing_the_mapping_moves_nothing_but_what_is_pending(status: IntegrationStatus) -> None:
    assert an_integration(status=status).activate(LATER).status is status
    assert an_integration().activate(LATER).status is IntegrationStatus.ACTIVE


def test_finishing_the_mapping_told_twice_is_one_change() -> None:
    once = an_integration().activate(LATER)

    assert once.activate(LATER) is once


@pytest.mark.parametrize(
    "status", [IntegrationStatus.ERROR, IntegrationStatus.DISCONNECTED, IntegrationStatus.ACTIVE]
)
def test_what_was_mapped_once_is_active_as_soon_as_it_is_connected_again(status: IntegrationStatus) -> None:
    before = an_integration().activate(LATER).model_copy(update={"status": status})

    after = Integration.connect("demo", an_ingram(), previous=before, now=LATER)

    assert after.status is IntegrationStatus.ACTIVE
    assert after.generation > before.generation


def test_a_refusal_of_replaced_credentials_is_ignored() -> None:
    before = an_integration(generation=2)

    assert before.reject(1, "no", LATER) is before
    assert before.reject(2, "no", LATER).status is IntegrationStatus.ERROR


def test_a_revision_grows_even_when_the_clock_was_set_back() -> None:
    before = an_integration()

    after = before.disconnect(NOW - timedelta(days=1))

    assert after.revision == before.revision + 1
