"""The shape of docker-compose.yml: start order, volumes, networks, limits."""

import re
import tomllib
from xml.etree import ElementTree as ET

import pytest
from compose_file import OPERATOR_VARIABLES, ROOT, example_variables, load_compose, services
from containers import kafka_environment
from dockerfile import parse_stages

from shared.contracts import MESSAGES
from shared.kafka.broker import GRACEFUL_TIMEOUT
from shared.kafka.topics import CONSUMING_SERVICES, TopicLayout, topics
from shared.runtime.lifespan import JOB_GRACE
from shared.sync_engine.run_repository import TTL

EVERYTHING = load_compose(**example_variables() | OPERATOR_VARIABLES)
ALL = services()
RUN_ONCE = {"topics", "mongo-init"}
LONG_RUNNING = set(ALL) - RUN_ONCE
OURS = {name for name, service in ALL.items() if "build" in service}
FACING_PEOPLE = {"auth", "matcher", "billing", "console", "sandbox"}
RELEASE = re.compile(r"[\w./-]+:\d+\.\d+\.\d+(-[\w.-]+)?(@sha256:[0-9a-f]{64})?")


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def pinned_kafka() -> str | None:
    spaces = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(ROOT / "deploy/standalone/pom.xml")  # noqa: S314  our own file
    return pom.findtext(
        "m:dependencies/m:dependency[m:groupId='org.apache.kafka']/m:version", namespaces=spaces
    )


def test_every_foreign_image_is_of_one_release() -> None:
    images = [service["image"] for name, service in ALL.items() if name not in OURS]
    bases = [stage.base for stage in parse_stages().values() if stage.base not in parse_stages()]

    assert [image for image in images + bases if not RELEASE.fullmatch(image)] == []


def test_kafka_is_the_one_that_the_standalone_system_runs() -> None:
    assert ALL["kafka"]["image"].partition("@")[0] == f"apache/kafka:{pinned_kafka()}"


def test_the_live_tests_configure_kafka_as_compose_does_but_for_its_address() -> None:
    configured = ALL["kafka"]["environment"]

    same_port, other_port = kafka_environment(9092), kafka_environment(40000)

    reached = {"KAFKA_ADVERTISED_LISTENERS": "BROKER://127.0.0.1:9092"}
    assert same_port == configured | reached
    assert other_port == configured | {
        "KAFKA_LISTENERS": configured["KAFKA_LISTENERS"].replace("9092", "40000"),
        "KAFKA_ADVERTISED_LISTENERS": "BROKER://127.0.0.1:40000",
    }


def test_images_have_the_python_that_the_code_is_checked_for() -> None:
    checked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]["python_version"]

    assert parse_stages()["base"].base.startswith(f"python:{checked}.")


def test_topics_come_from_the_catalogue_alone() -> None:
    kafka = ALL["kafka"]["environment"]

    layout = topics(TopicLayout())

    assert ALL["topics"]["build"]["args"]["SERVICE"] == "shared.kafka.topics"
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {topic.replication_factor for topic in layout} == {1}  # there is one broker
    assert {message.topic.partition(".")[0] for message in MESSAGES} | set(CONSUMING_SERVICES) <= OURS


def test_every_service_connects_to_the_address_that_kafka_advertises() -> None:
    addresses = {name: service.get("environment", {}).get("KAFKA__SERVERS") for name, service in ALL.items()}

    advertised = ALL["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].removeprefix("BROKER://")

    assert {name for name, address in addresses.items() if address == advertised} == {
        *CONSUMING_SERVICES,
        "topics",
    }
    assert set(addresses.values()) == {advertised, None}


@pytest.mark.parametrize("name", [name for name in ALL if "depends_on" in ALL[name]])
def test_nothing_starts_before_what_it_depends_on_does_its_work(name: str) -> None:
    wanted = {
        other: "service_completed_successfully" if other in RUN_ONCE else "service_healthy"
        for other in ALL[name]["depends_on"]
    }
    if name == "mongo-init":  # it is what makes MongoDB healthy
        wanted = {"mongo": "service_started"}

    assert {other: rest["condition"] for other, rest in ALL[name]["depends_on"].items()} == wanted


@pytest.mark.parametrize("name", sorted(OURS - {"topics", "sandbox"}))
def test_a_service_waits_for_everything_that_its_settings_name(name: str) -> None:
    settings = {secret["target"] for secret in ALL[name]["secrets"]} | set(ALL[name]["environment"])
    needs = {
        "KAFKA__SERVERS": "topics",
        "MONGO__URL": "mongo-init",
        "REDIS__URL": "redis",
        "AUTH__URL": "auth",
    }

    assert set(ALL[name]["depends_on"]) == {
        other for variable, other in needs.items() if variable in settings
    }


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_long_running_services_restart_are_watched_and_are_limited(name: str) -> None:
    service = ALL[name]
    watched = "healthcheck" in service or "HEALTHCHECK" in dict(parse_stages()[""].steps)

    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert watched


def test_only_what_must_run_once_runs_once() -> None:
    assert {name for name, service in ALL.items() if service["restart"] == "no"} == RUN_ONCE


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_images_run_with_no_rights_and_write_nowhere(name: str) -> None:
    service = ALL[name]

    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(OURS - {"topics", "sandbox"}))
def test_a_service_gets_longer_to_stop_than_it_takes(name: str) -> None:
    connections = 5

    needed = connections + 2 * GRACEFUL_TIMEOUT.total_seconds() + JOB_GRACE.total_seconds()

    assert seconds(ALL[name]["stop_grace_period"]) > needed


def test_what_a_killed_service_had_locked_is_free_when_its_work_is_taken_up() -> None:
    [command] = ALL["mongo"]["command"]

    [limit] = re.findall(r"--setParameter transactionLifetimeLimitSeconds=(\d+)", command)

    assert int(limit) <= TTL.total_seconds()


def test_only_what_people_use_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in ALL.items() if "ports" in service}

    assert set(published) == FACING_PEOPLE
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert {name for name in published if not published[name][0].endswith(":8000")} == {"sandbox"}


def test_servers_can_be_reached_by_services_alone_and_reach_nothing() -> None:
    servers = {name for name, service in ALL.items() if service["networks"] == ["backbone"]}

    assert servers == {"kafka", "mongo", "redis", *RUN_ONCE}
    assert EVERYTHING["networks"]["backbone"]["internal"] is True


def test_what_must_not_be_lost_is_on_a_volume() -> None:
    volumes = {name: service["volumes"] for name, service in ALL.items() if name in {"kafka", "mongo"}}

    log_directory = ALL["kafka"]["environment"]["KAFKA_LOG_DIRS"]

    assert volumes == {"kafka": [f"kafka:{log_directory}"], "mongo": ["mongo:/data/db"]}


def test_nothing_simulated_runs_unless_asked_for() -> None:
    assert {name for name, service in ALL.items() if service.get("profiles")} == {"sandbox"}


def test_the_readme_names_services_secrets_and_images_that_exist() -> None:
    text = (ROOT / "deploy/README.md").read_text("utf-8")
    commands = re.findall(
        r"docker compose (?:up -d --force-recreate|stop|start|restart|create)([\w -]*)", text
    )
    files = re.findall(r"deploy/secrets/([\w.-]+)", text) + re.findall(r"^\| `([\w.-]+)`", text, re.MULTILINE)
    images = re.findall(r"mongo:[\d.]+(?:@sha256:[0-9a-f]+)?", text)

    assert {name for command in commands for name in command.split()} <= set(ALL)
    assert set(files) <= set(EVERYTHING["secrets"])
    assert set(images) == {ALL["mongo"]["image"]}
