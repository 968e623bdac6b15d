from typing import Any

import pytest
from provider_fakes import CANARIES, a_connectwise, an_ingram, connectwise_body, ingram_body

from auth.credentials.connections import CONNECTION_TYPES


@pytest.mark.parametrize(
    "typed",
    ["us", " US ", "cp.us.na.cloud.im", "https://cp.us.na.cloud.im", "https://cp.us.na.cloud.im/login"],
)
def test_a_control_panel_address_is_understood_as_marketplace_code(typed: str) -> None:
    assert an_ingram(marketplace=typed).marketplace == "us"


def test_a_base_url_is_kept_verbatim_but_for_its_end() -> None:
    assert (
        an_ingram(base_url="https://api.cloud.im/Marketplace/na/").base_url
        == "https://api.cloud.im/Marketplace/na"
    )


def test_the_same_realm_is_the_same_however_it_is_typed() -> None:
    typed = a_connectwise(host="https://API-NA.myconnectwise.net/", company="ACME")

    assert typed.realm == a_connectwise().realm == "api-na.myconnectwise.net/acme"
    assert an_ingram().realm == "https://api.cloud.im/marketplace/na#us"


@pytest.mark.parametrize("body", [ingram_body(), connectwise_body()], ids=["ingram-micro", "connectwise"])
def test_a_connection_shows_none_of_its_secrets(body: dict[str, Any]) -> None:
    connection = CONNECTION_TYPES[body["provider"]].model_validate(body)

    shown = f"{connection!r} {connection} {connection.model_dump_json()}"

    assert not [canary for canary in CANARIES if canary in shown]
    assert set(connection.secrets) <= set(CANARIES)
    assert type(connection).model_validate(connection.revealed()) == connection


def test_keys_are_taken_without_the_spaces_that_were_copied_with_them() -> None:
    assert an_ingram(subscription_key=" canary-sub-key\n").secrets[0] == "canary-sub-key"
