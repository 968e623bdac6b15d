"""Images are named by digest, and a digest is what an operator's registry really has."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from compose_file import ROOT, services
from dockerfile import parse_stages

SCRIPT = ROOT / "deploy/compose/pin_images.py"
FILES = ("docker-compose.yml", "deploy/Dockerfile", "deploy/README.md")
INDEX = "application/vnd.oci.image.index.v1+json"
KAFKA = "apache/kafka:4.3.1"


class FakeRegistry(BaseHTTPRequestHandler):
    """Answers as Docker Hub does: only with a token for the repository, which it gives to everybody."""

    manifests: dict[str, bytes]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        host = self.headers["Host"]
        if url.path == "/token":
            [scope] = parse_qs(url.query)["scope"]
            self._answer(200, json.dumps({"token": scope}).encode())
            return
        _, _, path = url.path.partition("/v2/")
        repository, _, tag = path.partition("/manifests/")
        scope = f"repository:{repository}:pull"
        if self.headers.get("Authorization") != f"Bearer {scope}":
            challenge = f'Bearer realm="http://{host}/token",service="fake",scope="{scope}"'
            self._answer(401, b"{}", **{"WWW-Authenticate": challenge})
        elif f"{repository}:{tag}" in self.manifests and INDEX in self.headers["Accept"]:
            # A registry may say any digest: the answer's own hash counts.
            self._answer(200, self.manifests[f"{repository}:{tag}"], **{"Docker-Content-Digest": "sha256:0"})
        else:
            self._answer(404, b"{}")

    def log_message(self, *_: object) -> None:
        """Stays silent."""

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def manifests() -> dict[str, bytes]:
    """What the registry has, by repository and tag."""
    return {}


@pytest.fixture
def registry(manifests: dict[str, bytes]) -> Iterator[str]:
    handler = type("Handler", (FakeRegistry,), {"manifests": manifests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy in which somebody has written a version of Kafka without its digest."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (ROOT / name).read_text("utf-8")
        (tmp_path / name).write_text(re.sub(rf"{KAFKA}@sha256:\w+", KAFKA, text), "utf-8")
    return tmp_path


def pin_images(checkout: Path, registry: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(checkout), registry]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 (ours)


def an_index(image: str) -> bytes:
    return json.dumps({"mediaType": INDEX, "manifests": [{"of": image}]}).encode()


def images() -> set[str]:
    stages = parse_stages()
    foreign = {service["image"] for service in services().values() if "build" not in service}
    return foreign | {stage.base for stage in stages.values() if stage.base not in stages}


def test_every_image_is_pinned_by_digest() -> None:
    assert [image for image in images() if len(image.partition("@sha256:")[2]) != 64] == []


def test_the_standalone_system_runs_the_kafka_of_the_images() -> None:
    pom = (ROOT / "deploy/standalone/pom.xml").read_text("utf-8")
    of_image = next(image for image in images() if image.startswith("apache/kafka:"))

    assert f"<version>{of_image.partition(':')[2].partition('@')[0]}</version>" in pom


def test_an_operator_pins_what_is_not_pinned_to_what_the_registry_has(
    checkout: Path, registry: str, manifests: dict[str, bytes]
) -> None:
    manifests[KAFKA] = an_index(KAFKA)
    before = (checkout / "docker-compose.yml").read_text("utf-8")

    result = pin_images(checkout, registry)

    pinned = f"{KAFKA}@sha256:{hashlib.sha256(an_index(KAFKA)).hexdigest()}"
    assert (result.returncode, result.stdout, result.stderr) == (0, pinned + "\n", "")
    after = (checkout / "docker-compose.yml").read_text("utf-8")
    assert after == before.replace(f"image: {KAFKA}\n", f"image: {pinned}\n")
    assert pin_images(checkout, registry).stdout == "all images have a digest\n"


def test_an_official_image_is_looked_up_where_the_registry_keeps_it(
    checkout: Path, registry: str, manifests: dict[str, bytes]
) -> None:
    (checkout / "docker-compose.yml").write_text("image: redis:8.6.6-alpine\n")
    manifests["library/redis:8.6.6-alpine"] = an_index("redis")

    result = pin_images(checkout, registry)

    assert result.stdout.startswith("redis:8.6.6-alpine@sha256:")


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "did not answer with a manifest"),
        (b'{"mediaType": "application/vnd.oci.image.manifest.v1+json"}', "for one architecture only"),
    ],
    ids=["unknown", "of one architecture"],
)
def test_what_cannot_be_pinned_is_named_and_no_file_is_changed(
    checkout: Path, registry: str, manifests: dict[str, bytes], *, manifest: bytes | None, reason: str
) -> None:
    if manifest:
        manifests[KAFKA] = manifest
    before = [(checkout / name).read_text("utf-8") for name in FILES]

    result = pin_images(checkout, registry)

    assert result.returncode == 1
    assert result.stderr.startswith(f"{KAFKA}: ")
    assert reason in result.stderr
    assert [(checkout / name).read_text("utf-8") for name in FILES] == before
