#!/usr/bin/env python3
"""Pins the images of docker-compose.yml and deploy/ by digest, with nothing but Python."""

# A tag can be moved to another image; a digest is the hash of what it names, so what is pulled is what was
# reviewed.  An image that has a digest keeps it, so a second run changes nothing; to take a newer build of a
# tag, remove its digest and run this again.
#
#   image: apache/kafka:4.3.1   →   image: apache/kafka:4.3.1@sha256:…, of the index of all architectures
#
# The registry is not believed: the digest is computed from the index that it sends.

import argparse
import hashlib
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "deploy/Dockerfile", "deploy/README.md")
DOCKER_HUB = "https://registry-1.docker.io"

_IMAGE = re.compile(r"(?<=image: )[\w./-]+:[\w.-]+(?!\S)|(?<=FROM )[\w./-]+:[\w.-]+(?!\S)")
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_TIMEOUT_SECONDS = 30
_MOST_BYTES = 4_000_000


class RegistryError(Exception):
    """The registry cannot be reached, or has no index for the image."""


def pin(text: str, digests: dict[str, str]) -> str:
    """Return the text with every mention of these images followed by its digest, where it has none yet."""
    for image, digest in digests.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(image)}(?![\w.@-])", f"{image}@{digest}", text)
    return text


def find_unpinned(text: str) -> set[str]:
    """Return the images that the text names without a digest."""
    return set(_IMAGE.findall(text))


def fetch_digest(image: str, registry: str = DOCKER_HUB) -> str:
    """Return the digest of an image's index of architectures; raises `RegistryError` when there is none."""
    name, _, tag = image.partition(":")
    repository = name if "/" in name else f"library/{name}"
    try:
        body = _read(f"{registry}/v2/{repository}/manifests/{tag}", registry)
        kind = json.loads(body).get("mediaType")
    except (OSError, ValueError) as error:
        raise RegistryError(f"{image}: {registry} did not answer with a manifest ({error})") from error
    if kind not in _INDEX_TYPES:
        raise RegistryError(f"{image}: {registry} has it for one architecture only ({kind})")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _read(url: str, registry: str) -> bytes:
    """Read a manifest, with the token for everybody that the registry asks for."""
    headers = {"Accept": ", ".join(_INDEX_TYPES)}
    try:
        return _get(url, headers)
    except urllib.error.HTTPError as error:
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', error.headers.get("WWW-Authenticate", "")))
        realm = challenge.pop("realm", "")
        # Only as safe as the registry itself: no token service without TLS for a registry with it.
        if error.code != HTTPStatus.UNAUTHORIZED or not realm.startswith(registry.partition("//")[0]):
            raise
    token = json.loads(_get(f"{realm}?{urllib.parse.urlencode(challenge)}", {}))["token"]
    return _get(url, headers | {"Authorization": f"Bearer {token}"})


def _get(url: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (the registry's)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (the registry's)
        body: bytes = answer.read(_MOST_BYTES)
        return body


def main(root: Path = ROOT, registry: str = DOCKER_HUB) -> int:
    texts = {name: (root / name).read_text("utf-8") for name in FILES}
    images = sorted(set().union(*map(find_unpinned, texts.values())))
    try:
        digests = {image: fetch_digest(image, registry) for image in images}
    except RegistryError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in texts.items():
        (root / name).write_text(pin(text, digests), "utf-8")
    print("\n".join(f"{image}@{digest}" for image, digest in digests.items()) or "all images have a digest")
    return 0


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("root", nargs="?", type=Path, default=ROOT, help="the checkout to write to")
    options.add_argument(
        "registry", nargs="?", default=DOCKER_HUB, help="https://… of a registry or its mirror"
    )
    sys.exit(main(**vars(options.parse_args())))
