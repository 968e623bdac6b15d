"""What the Dockerfile installs is all that a service needs to start, and nothing that it does not."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
from compose_file import make_secrets, services
from dockerfile import UNTRIED, Building, context, stages
from fastapi import FastAPI
from http_server import served

from shared.runtime.health import Health

pytestmark = pytest.mark.server

BUILT = {name: service["build"]["args"] for name, service in services().items() if "build" in service}
OURS = {"shared", "auth", "vendor_sync", "psa_sync", "matcher", "billing", "console", "sandbox", "standalone"}
IMAGE = stages()[""]
MAKES_ITS_APP = """
import importlib, sys
settings = importlib.import_module(f"{sys.argv[1]}.settings").Settings(_secrets_dir=sys.argv[2])
importlib.import_module(f"{sys.argv[1]}.app").create_app(settings)
"""

Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Makes the image of a service of compose and tells where its virtual environment is."""
    found, sources = stages(), context(tmp_path_factory.mktemp("context"))
    pages = Building(tmp_path_factory.mktemp("static"), sources)
    pages.build(found["static"])

    @cache
    def built(name: str) -> Path:
        root = tmp_path_factory.mktemp(name)
        building = Building(root, sources, {"static": pages.root}, dict(BUILT[name]))
        building.build(found["build"])
        return Path(building.environment()["VIRTUAL_ENV"])

    return built


def packages(image: Path) -> set[str]:
    (place,) = image.glob("lib/python3.*/site-packages")
    return {entry.name for entry in place.iterdir() if entry.is_dir()}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("secrets")
    make_secrets(place)
    return place


def run(image: Path, command: list[str], **env: str) -> tuple[int, str]:
    """How a command ends in the image, and what it complains of."""
    env["PATH"] = f"{image}/bin:{os.defpath}"
    ended = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 (ours)
    return ended.returncode, ended.stderr


async def checked(health: Health) -> int:
    """The exit code of the image's health check, asking a service of this health."""
    app = FastAPI()
    app.include_router(health.router())
    command = IMAGE.said("HEALTHCHECK").partition("CMD ")[2]
    async with served(app) as address:
        env = os.environ | {"HTTP__PORT": address.rpartition(":")[2]}
        asked = await asyncio.create_subprocess_shell(command, env=env)
        return await asked.wait()


@pytest.mark.parametrize("name", BUILT)
def test_an_image_starts_its_service_and_holds_nobody_elses_code(name: str, build: Build) -> None:
    module = BUILT[name]["SERVICE"].partition(".")[0].replace("-", "_")
    rests_on = {"shared"} if BUILT[name].get("WITH", "./shared") else set()

    code, complaint = run(build(name), json.loads(IMAGE.said("CMD")), SERVICE=BUILT[name]["SERVICE"])

    assert (code, complaint.count("\n")) == (2, 1), complaint  # one line: the settings that are missing
    assert packages(build(name)) & OURS == {module} | rests_on


@pytest.mark.parametrize("name", [name for name in BUILT if "secrets" in services()[name]])
def test_an_image_holds_all_that_its_app_is_made_of(
    name: str, build: Build, secrets: Path, tmp_path: Path
) -> None:
    for secret in services()[name]["secrets"]:
        shutil.copy(secrets / secret["source"], tmp_path / secret["target"])
    command = ["python", "-c", MAKES_ITS_APP, name.replace("-", "_"), str(tmp_path)]

    code, complaint = run(build(name), command, **services()[name]["environment"])

    assert code == 0, complaint


def test_the_consoles_image_holds_the_scripts_of_its_pages(build: Build) -> None:
    (static,) = build("console").glob("lib/python3.*/site-packages/console/static")

    assert {"htmx.min.js", "sse.min.js", "console.css"} <= {file.name for file in static.iterdir()}


async def test_a_service_that_gets_things_done_is_healthy() -> None:
    assert await checked(Health("billing")) == 0


async def test_a_service_that_answers_but_gets_nothing_done_is_not_healthy() -> None:
    health = Health("billing")
    health.watch("relay", timedelta(seconds=-1))

    assert await checked(health) == 1


def test_nothing_runs_as_root() -> None:
    assert IMAGE.said("USER") == "10001:10001"


def test_images_are_built_with_the_uv_of_the_tests() -> None:
    (fetching,) = (
        rest for step, rest in stages()["build"].steps if step == "RUN" and rest.startswith(UNTRIED)
    )

    assert fetching.endswith(f" uv=={version('uv')}")
