"""The Dockerfile installs all that a service needs to start, and nothing else."""

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
from dockerfile import UV_INSTALL, ImageBuild, copy_context, parse_stages
from fastapi import FastAPI
from http_server import serve

from shared.runtime.health import Health

pytestmark = pytest.mark.server

BUILT = {name: service["build"]["args"] for name, service in services().items() if "build" in service}
OURS = {"shared", "auth", "vendor_sync", "psa_sync", "matcher", "billing", "console", "sandbox", "standalone"}
IMAGE = parse_stages()[""]
CREATE_APP = """
import importlib, sys
settings = importlib.import_module(f"{sys.argv[1]}.settings").Settings(_secrets_dir=sys.argv[2])
importlib.import_module(f"{sys.argv[1]}.app").create_app(settings)
"""

Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds the image of a service of compose and returns the path of its virtual environment."""
    stages, sources = parse_stages(), copy_context(tmp_path_factory.mktemp("context"))
    pages = ImageBuild(tmp_path_factory.mktemp("static"), sources)
    pages.build(stages["static"])

    @cache
    def build_image(name: str) -> Path:
        root = tmp_path_factory.mktemp(name)
        building = ImageBuild(root, sources, {"static": pages.root}, dict(BUILT[name]))
        building.build(stages["build"])
        return Path(building.environment()["VIRTUAL_ENV"])

    return build_image


def packages(image: Path) -> set[str]:
    (site_packages,) = image.glob("lib/python3.*/site-packages")
    return {entry.name for entry in site_packages.iterdir() if entry.is_dir()}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("secrets")
    make_secrets(directory)
    return directory


def run(image: Path, command: list[str], **env: str) -> tuple[int, str]:
    """Run a command in the image; return its exit code and what it wrote to standard error."""
    env["PATH"] = f"{image}/bin:{os.defpath}"
    result = subprocess.run(  # noqa: S603 (ours)
        command, env=env, cwd="/", capture_output=True, text=True, check=False, timeout=60
    )
    return result.returncode, result.stderr


async def check_health(health: Health) -> int:
    """Return the exit code of the image's health check against a service of this health."""
    app = FastAPI()
    app.include_router(health.router())
    command = IMAGE.argument_of("HEALTHCHECK").partition("CMD ")[2]
    async with serve(app) as address:
        env = os.environ | {"HTTP__PORT": address.rpartition(":")[2]}
        process = await asyncio.create_subprocess_shell(command, env=env)
        return await process.wait()


@pytest.mark.parametrize("name", BUILT)
def test_an_image_starts_its_service_and_holds_nobody_elses_code(name: str, build: Build) -> None:
    module = BUILT[name]["SERVICE"].partition(".")[0].replace("-", "_")
    dependencies = {"shared"} if BUILT[name].get("WITH", "./shared") else set()

    code, stderr = run(build(name), json.loads(IMAGE.argument_of("CMD")), SERVICE=BUILT[name]["SERVICE"])

    assert (code, stderr.count("\n")) == (2, 1), stderr  # one line: the settings that are missing
    assert packages(build(name)) & OURS == {module} | dependencies
    assert "secantus" not in packages(build(name))  # decision 0023


@pytest.mark.parametrize("name", [name for name in BUILT if "secrets" in services()[name]])
def test_an_image_holds_everything_that_its_app_imports(
    name: str, build: Build, secrets: Path, tmp_path: Path
) -> None:
    for secret in services()[name]["secrets"]:
        shutil.copy(secrets / secret["source"], tmp_path / secret["target"])
    command = ["python", "-c", CREATE_APP, name.replace("-", "_"), str(tmp_path)]

    code, stderr = run(build(name), command, **services()[name]["environment"])

    assert code == 0, stderr


def test_the_consoles_image_holds_the_scripts_of_its_pages(build: Build) -> None:
    (static,) = build("console").glob("lib/python3.*/site-packages/console/static")

    assert {"htmx.min.js", "sse.min.js", "console.css"} <= {file.name for file in static.iterdir()}


async def test_a_service_that_gets_things_done_is_healthy() -> None:
    assert await check_health(Health("billing")) == 0


async def test_a_service_that_answers_but_gets_nothing_done_is_not_healthy() -> None:
    health = Health("billing")
    health.expect_heartbeats("relay", timedelta(seconds=-1))

    assert await check_health(health) == 1


def test_nothing_runs_as_root() -> None:
    assert IMAGE.argument_of("USER") == "10001:10001"


def test_images_are_built_with_the_uv_of_the_tests() -> None:
    (fetching,) = (
        rest for step, rest in parse_stages()["build"].steps if step == "RUN" and rest.startswith(UV_INSTALL)
    )

    assert fetching.endswith(f" uv=={version('uv')}")
