"""ConnectWise over a fake transport: recorded rows, and a server that answers from a handler."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from http_fakes import an_api

from psa_sync.connectors.connectwise.connector import HEADERS, ConnectWiseConnector

DATA = Path(__file__).parents[1] / "data" / "psa" / "connectwise"
BASE = "https://api.example/base"

Handler = Callable[[httpx.Request], httpx.Response]


def recorded(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


class RecordingServer:
    """Answers from a handler and keeps the requests."""

    def __init__(self, answer: Handler) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)

    @property
    def psa(self) -> ConnectWiseConnector:
        return ConnectWiseConnector(an_api(self, headers=HEADERS))


def failing(reply: httpx.Response | Exception) -> RecordingServer:
    """Returns a server that gives one reply to every request, or raises it in place of one."""

    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    return RecordingServer(answer)
