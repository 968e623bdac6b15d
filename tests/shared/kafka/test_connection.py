"""How clients sign in to Kafka: all in the same way, and never with the password in the open."""

import ssl

import pytest
from pydantic import ValidationError

from shared.kafka import client_options, make_broker
from shared.runtime.settings import KafkaSettings

PASSWORD = "canary"


def settings(**given: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"servers": "kafka-1:9092,kafka-2:9092"} | given)


def test_without_a_user_nobody_signs_in() -> None:
    assert client_options(settings()) == {"bootstrap_servers": ["kafka-1:9092", "kafka-2:9092"]}


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_signs_in_with_the_mechanism_that_is_set(mechanism: str) -> None:
    options = client_options(settings(username="trueup", password=PASSWORD, mechanism=mechanism))

    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert options["sasl_mechanism"] == mechanism
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("trueup", PASSWORD)


def test_a_user_who_names_no_mechanism_does_not_send_the_password() -> None:
    options = client_options(settings(username="trueup", password=PASSWORD))

    assert options["sasl_mechanism"] == "SCRAM-SHA-512"


@pytest.mark.parametrize(
    ("user", "protocol"),
    [({}, "SSL"), ({"username": "trueup", "password": PASSWORD, "mechanism": "PLAIN"}, "SASL_SSL")],
    ids=["nobody", "a user"],
)
def test_tls_verifies_the_broker(user: dict[str, str], protocol: str) -> None:
    options = client_options(settings(tls=True, **user))

    assert options["security_protocol"] == protocol
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname


@pytest.mark.parametrize("given", [{"username": "trueup"}, {"password": PASSWORD}])
def test_half_of_a_sign_in_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="set both or neither"):
        settings(**given)


def test_a_password_is_not_sent_as_it_is_over_a_network_without_tls() -> None:
    with pytest.raises(ValidationError, match=r"KAFKA__TLS=true, or a mechanism SCRAM") as refusal:
        settings(username="trueup", password=PASSWORD, mechanism="PLAIN")

    assert PASSWORD not in str(refusal.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_password_may_be_sent_as_it_is_where_it_does_not_leave_the_machine(host: str) -> None:
    options = client_options(
        settings(servers=f"{host}:9092", username="trueup", password=PASSWORD, mechanism="PLAIN")
    )

    assert options["sasl_mechanism"] == "PLAIN"


def test_the_password_does_not_show_in_a_printed_setting_or_broker() -> None:
    given = settings(username="trueup", password=PASSWORD)

    assert PASSWORD not in f"{given!r} {given} {make_broker(given, 'billing')!r}"
