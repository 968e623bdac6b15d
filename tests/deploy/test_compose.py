"""The shape of docker-compose.yml: what starts after what, what is kept, what can be reached."""

import re
import tomllib
from xml.etree import ElementTree as ET

import pytest
from compose_file import FILLED_IN, ROOT, composed, example_variables, services
from containers import kafka_environment
from dockerfile import stages

from shared.contracts import MESSAGES
from shared.kafka.broker import GRACEFUL_TIMEOUT
from shared.kafka.topics import CONSUMING_SERVICES, TopicLayout, topics
from shared.runtime.lifespan import JOB_GRACE
from shared.sync_engine.run_repository import TTL

EVERYTHING = composed(**example_variables() | FILLED_IN)
ALL = services()
ONCE = {"topics", "mongo-init"}
LASTING = set(ALL) - ONCE
OURS = {name for name, service in ALL.items() if "build" in service}
FACING_PEOPLE = {"auth", "matcher", "billing", "console", "sandbox"}
PINNED = re.compile(r"[\w./-]+:\d+\.\d+\.\d+(-[\w.-]+)?")


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def pinned_kafka() -> str | None:
    spaces = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(ROOT / "deploy/standalone/pom.xml")  # noqa: S314  our own file
    return pom.findtext(
        "m:dependencies/m:dependency[m:groupId='org.apache.kafka']/m:version", namespaces=spaces
    )


def test_every_foreign_image_is_pinned_to_one_release() -> None:
    images = [service["image"] for name, service in ALL.items() if name not in OURS]
    bases = [stage.base for stage in stages().values() if stage.base not in stages()]

    assert [image for image in images + bases if not PINNED.fullmatch(image)] == []


def test_kafka_is_the_one_that_the_standalone_system_runs() -> None:
    assert ALL["kafka"]["image"] == f"apache/kafka:{pinned_kafka()}"


def test_the_live_tests_tell_kafka_what_compose_tells_it_but_where_it_is_reached() -> None:
    told = ALL["kafka"]["environment"]

    same_port, other_port = kafka_environment(9092), kafka_environment(40000)

    reached = {"KAFKA_ADVERTISED_LISTENERS": "BROKER://127.0.0.1:9092"}
    assert same_port == told | reached
    assert other_port == told | {
        "KAFKA_LISTENERS": told["KAFKA_LISTENERS"].replace("9092", "40000"),
        "KAFKA_ADVERTISED_LISTENERS": "BROKER://127.0.0.1:40000",
    }


def test_images_have_the_python_that_the_code_is_checked_for() -> None:
    checked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]["python_version"]

    assert stages()["base"].base.startswith(f"python:{checked}.")


def test_topics_come_from_the_catalogue_alone() -> None:
    kafka = ALL["kafka"]["environment"]

    layout = topics(TopicLayout())

    assert ALL["topics"]["build"]["args"]["SERVICE"] == "shared.kafka.topics"
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {topic.replication_factor for topic in layout} == {1}  # there is one broker
    assert {message.topic.partition(".")[0] for message in MESSAGES} | set(CONSUMING_SERVICES) <= OURS


def test_everything_that_speaks_of_kafka_means_the_address_that_kafka_gives_out() -> None:
    told = {name: service.get("environment", {}).get("KAFKA__SERVERS") for name, service in ALL.items()}

    given_out = ALL["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].removeprefix("BROKER://")

    assert {name for name, address in told.items() if address == given_out} == {*CONSUMING_SERVICES, "topics"}
    assert set(told.values()) == {given_out, None}


@pytest.mark.parametrize("name", [name for name in ALL if "depends_on" in ALL[name]])
def test_nothing_starts_before_what_it_rests_on_does_its_work(name: str) -> None:
    wanted = {
        other: "service_completed_successfully" if other in ONCE else "service_healthy"
        for other in ALL[name]["depends_on"]
    }
    if name == "mongo-init":  # it is what makes MongoDB healthy
        wanted = {"mongo": "service_started"}

    assert {other: rest["condition"] for other, rest in ALL[name]["depends_on"].items()} == wanted


@pytest.mark.parametrize("name", sorted(OURS - {"topics", "sandbox"}))
def test_a_service_waits_for_whatever_it_is_told_of(name: str) -> None:
    told = {secret["target"] for secret in ALL[name]["secrets"]} | set(ALL[name]["environment"])
    needs = {
        "KAFKA__SERVERS": "topics",
        "MONGO__URL": "mongo-init",
        "REDIS__URL": "redis",
        "AUTH__URL": "auth",
    }

    assert set(ALL[name]["depends_on"]) == {other for variable, other in needs.items() if variable in told}


@pytest.mark.parametrize("name", sorted(LASTING))
def test_what_lasts_comes_back_is_watched_and_is_bounded(name: str) -> None:
    service = ALL[name]
    watched = "healthcheck" in service or "HEALTHCHECK" in dict(stages()[""].steps)

    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert watched


def test_only_what_is_told_to_run_once_runs_once() -> None:
    assert {name for name, service in ALL.items() if service["restart"] == "no"} == ONCE


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_images_run_with_no_rights_and_write_nowhere(name: str) -> None:
    service = ALL[name]

    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(OURS - {"topics", "sandbox"}))
def test_a_service_gets_longer_to_stop_than_it_takes(name: str) -> None:
    connections = 5
    asks = connections + 2 * GRACEFUL_TIMEOUT.total_seconds() + JOB_GRACE.total_seconds()

    assert seconds(ALL[name]["stop_grace_period"]) > asks


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

    assert servers == {"kafka", "mongo", "redis", *ONCE}
    assert EVERYTHING["networks"]["backbone"]["internal"] is True


def test_what_must_not_be_lost_is_on_a_volume() -> None:
    volumes = {name: service["volumes"] for name, service in ALL.items() if name in {"kafka", "mongo"}}

    kept_at = ALL["kafka"]["environment"]["KAFKA_LOG_DIRS"]

    assert volumes == {"kafka": [f"kafka:{kept_at}"], "mongo": ["mongo:/data/db"]}


def test_nothing_simulated_runs_unless_asked_for() -> None:
    assert {name for name, service in ALL.items() if service.get("profiles")} == {"sandbox"}


def test_the_readme_speaks_of_services_secrets_and_images_that_are_there() -> None:
    text = (ROOT / "deploy/README.md").read_text("utf-8")
    commands = re.findall(
        r"docker compose (?:up -d --force-recreate|stop|start|restart|create)([\w -]*)", text
    )
    files = re.findall(r"deploy/secrets/([\w.-]+)", text) + re.findall(r"^\| `([\w.-]+)`", text, re.MULTILINE)
    images = re.findall(r"mongo:[\d.]+", text)

    assert {name for command in commands for name in command.split()} <= set(ALL)
    assert set(files) <= set(EVERYTHING["secrets"])
    assert set(images) == {ALL["mongo"]["image"]}
