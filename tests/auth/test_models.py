from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from provider_fakes import CANARIES, a_connectwise, an_ingram, connectwise_body, ingram_body

from auth.access.models import IntegrationAccessGrant, ProviderSession
from auth.integrations.models import Integration
from auth.integrations.routes import read_connection
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import integration_id_of
from shared.web.problems import Problem

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def an_integration(**changed: Any) -> Integration:
    return Integration.connected("demo", an_ingram(), before=None, now=NOW).model_copy(update=changed)


@pytest.mark.parametrize(
    "typed",
    ["us", " US ", "cp.us.na.cloud.im", "https://cp.us.na.cloud.im", "https://cp.us.na.cloud.im/login"],
)
def test_a_control_panel_address_is_understood_as_marketplace_code(typed: str) -> None:
    assert an_ingram(marketplace=typed).marketplace == "us"


@pytest.mark.parametrize(
    "typed", ["https://api.cloud.im/marketplace/na", "United States", "u", "cp.us.cloud.im"]
)
def test_what_is_no_marketplace_code_is_named(typed: str) -> None:
    with pytest.raises(Problem, match=r"cp\.us\.na\.cloud\.im") as raised:
        read_connection(ingram_body(marketplace=typed))

    assert [field.name for field in raised.value.fields] == ["marketplace"]


def test_a_base_url_is_kept_verbatim_but_for_its_end() -> None:
    assert (
        an_ingram(base_url="https://api.cloud.im/Marketplace/na/").base_url
        == "https://api.cloud.im/Marketplace/na"
    )


def test_the_same_realm_is_the_same_integration_however_it_is_typed() -> None:
    typed = {"host": "https://API-NA.myconnectwise.net/", "company": "ACME"}
    again = Integration.connected("demo", a_connectwise(**typed), before=None, now=NOW)

    assert a_connectwise().realm == "api-na.myconnectwise.net/acme"
    assert an_ingram().realm == "https://api.cloud.im/marketplace/na#us"
    assert again.integration_id == integration_id_of("demo", "connectwise", a_connectwise().realm)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["provider"]),
        ({"provider": "pax8"}, ["provider"]),
        (ingram_body(extra=1), ["extra"]),
        (
            {"provider": "ingram-micro"},
            ["base_url", "marketplace", "subscription_key", "username", "password"],
        ),
        (ingram_body(password=""), ["password"]),
        (ingram_body(password=5), ["password"]),
        (ingram_body(subscription_key="canary\nX: 1"), ["subscription_key"]),
        (ingram_body(username="canary:x"), ["username"]),
        (ingram_body(base_url="https://api.cloud.im/na?key=canary"), ["base_url"]),
        (connectwise_body(host="api-na.myconnectwise.net/v4_6_release/apis/3.0"), ["host"]),
        (connectwise_body(host="me:canary@api-na.myconnectwise.net"), ["host"]),
        (connectwise_body(company="acme+canary"), ["company"]),
        (connectwise_body(private_key="canärie"), ["private_key"]),
    ],
)
def test_wrong_fields_are_named_and_not_repeated(body: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Problem) as raised:
        read_connection(body)

    assert raised.value.status == 422
    assert [field.name for field in raised.value.fields] == fields
    assert "canar" not in f"{raised.value} {raised.value.fields} {raised.value.__context__}"


@pytest.mark.parametrize("body", [ingram_body(), connectwise_body()], ids=["ingram-micro", "connectwise"])
def test_a_connection_shows_none_of_its_secrets(body: dict[str, Any]) -> None:
    connection = read_connection(body)

    shown = f"{connection!r} {connection} {connection.model_dump_json()}"

    assert not [canary for canary in CANARIES if canary in shown]
    assert set(connection.secrets) <= set(CANARIES)
    assert type(connection).model_validate(connection.revealed()) == connection


def test_keys_are_taken_without_the_spaces_that_were_copied_with_them() -> None:
    assert an_ingram(subscription_key=" canary-sub-key\n").secrets[0] == "canary-sub-key"


def test_connecting_again_raises_the_generation_and_keeps_what_a_person_set() -> None:
    before = an_integration(name="My marketplace", status=IntegrationStatus.ERROR, reason="refused")

    after = Integration.connected("demo", an_ingram(), before=before, now=LATER)

    assert (after.generation, after.status, after.reason) == (2, IntegrationStatus.PENDING, None)
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
    assert an_integration(status=status).activated(LATER).status is status
    assert an_integration().activated(LATER).status is IntegrationStatus.ACTIVE


def test_finishing_the_mapping_told_twice_is_one_change() -> None:
    once = an_integration().activated(LATER)

    assert once.activated(LATER) is once


@pytest.mark.parametrize(
    "status", [IntegrationStatus.ERROR, IntegrationStatus.DISCONNECTED, IntegrationStatus.ACTIVE]
)
def test_what_was_mapped_once_is_active_as_soon_as_it_is_connected_again(status: IntegrationStatus) -> None:
    before = an_integration().activated(LATER).model_copy(update={"status": status})

    after = Integration.connected("demo", an_ingram(), before=before, now=LATER)

    assert (after.status, after.generation) == (IntegrationStatus.ACTIVE, before.generation + 1)


def test_a_refusal_of_replaced_credentials_is_ignored() -> None:
    before = an_integration(generation=2)

    assert before.refused(1, "no", LATER) is before
    assert before.refused(2, "no", LATER).status is IntegrationStatus.ERROR


def test_a_revision_grows_even_when_the_clock_was_set_back() -> None:
    before = an_integration()

    after = before.disconnected(NOW - timedelta(days=1))

    assert after.revision == before.revision + 1


def test_a_grant_serves_until_it_expires_is_refused_or_replaced() -> None:
    grant = IntegrationAccessGrant(ProviderSession("https://x.example", {}, timedelta(minutes=5)), NOW, 1)

    assert grant.serves(1, NOW + timedelta(minutes=4), None)
    assert not grant.serves(1, NOW + timedelta(minutes=5), None)
    assert not grant.serves(2, NOW, None)
    assert not grant.serves(1, NOW, NOW)
    assert grant.serves(1, NOW, NOW - timedelta(seconds=1))
