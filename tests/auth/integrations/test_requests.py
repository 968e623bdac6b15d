from typing import Any

import pytest
from provider_fakes import connectwise_body, ingram_body

from auth.integrations.requests import read_connection
from shared.web.problems import Problem


@pytest.mark.parametrize(
    "typed", ["https://api.cloud.im/marketplace/na", "United States", "u", "cp.us.cloud.im"]
)
def test_what_is_no_marketplace_code_is_named(typed: str) -> None:
    with pytest.raises(Problem, match=r"cp\.us\.na\.cloud\.im") as raised:
        read_connection(ingram_body(marketplace=typed))

    assert [field.name for field in raised.value.fields] == ["marketplace"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["provider"]),
        ({"provider": "pax8"}, ["provider"]),
        ({"provider": {"connectwise": "connectwise"}}, ["provider"]),
        ({"provider": "\ud800"}, ["provider"]),
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
        (connectwise_body(name="canary\x00"), ["name"]),
        (connectwise_body(name="\ud800"), ["name"]),
        (ingram_body(username="canary\x1b"), ["username"]),
        (ingram_body(password="canary\nx"), ["password"]),
        (ingram_body(password="canary\ud800"), ["password"]),
        (ingram_body(password="p" * 301), ["password"]),
    ],
)
def test_wrong_fields_are_named_and_not_repeated(body: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Problem) as raised:
        read_connection(body)

    assert raised.value.status == 422
    assert [field.name for field in raised.value.fields] == fields
    assert "canar" not in f"{raised.value} {raised.value.fields} {raised.value.__context__}"


@pytest.mark.parametrize(
    "body",
    [
        connectwise_body(host="a" * 60 + ".example", company="c" * 140),
        ingram_body(base_url="https://" + "a" * 60 + ".example/" + "p" * 140),
    ],
    ids=["connectwise", "ingram-micro"],
)
def test_an_address_that_no_message_could_name_is_refused_in_a_sentence(body: dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        read_connection(body)

    [field] = raised.value.fields
    assert field.name == "body"
    assert field.reason.startswith("address and account make one name together, and ")
    assert "the most is 200 characters" in field.reason


def test_a_name_that_cannot_be_shown_is_refused_in_a_sentence() -> None:
    with pytest.raises(Problem) as raised:
        read_connection(connectwise_body(name="Our \u202ePSA"))

    (field,) = raised.value.fields
    assert (
        field.reason == "must not contain line breaks, control characters or marks that turn the text round"
    )
