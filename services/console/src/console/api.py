"""Calls auth, with the token of the person who is signed in."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import CredentialsRejected
from shared.http_client.answer_size import PAGE
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.runtime.settings import OutboundSettings

# A page waits for the answer, and a person for the page: what auth refuses for now is passed on at once.
_POLICY = CallPolicy(
    connect_timeout=timedelta(seconds=5),
    read_timeout=timedelta(seconds=30),
    attempts=2,
    total_timeout=timedelta(seconds=30),
    renew_on=frozenset(),
    answers_are_final=True,
)


class ConsoleModel(BaseModel):
    """A part of another service's answer; fields that the console does not show are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SessionView(ConsoleModel):
    """A person's token, when it expires, and what the browser shows at its next sign-in to be known."""

    token: str
    expires_at: datetime
    device_token: str


class IntegrationView(ConsoleModel):
    """One connection to a provider, as auth answers it."""

    integration_id: str
    side: Side
    provider: str
    name: str
    status: IntegrationStatus
    reason: str | None = None
    connected_at: datetime


class AuthApi:
    """Auth over HTTP; every call raises `TransientError` when auth does not answer, or says to come back."""

    def __init__(self, url: str) -> None:
        self._api = Api(url, outbound=OutboundSettings(allowed_origins=(url,)), policy=_POLICY)

    async def sign_in(
        self, email: str, password: str, *, address: str | None, device_token: str
    ) -> SessionView:
        """Returns a new session for a browser at this IP address; `device_token` is that of its last one.

        Raises `CredentialsRejected` with auth's own sentence, and `TransientError` with status 429 after too
        many failures.
        """
        body = {"email": email, "password": password, "device_token": device_token}
        # Auth counts failures by address, and believes this header of the console alone.
        headers = {"X-Forwarded-For": address} if address else {}
        # Not `result()`, which would make an error of the status: the person is to read what auth says.
        response = await self._api.request("POST", "/sessions", json=body, headers=headers)
        if not response.is_success:
            body = response.json if isinstance(response.json, dict) else {}
            raise CredentialsRejected(str(body.get("detail") or f"auth answered {response.status}"))
        return SessionView.model_validate(response.json)

    async def integrations(self, token: str) -> list[IntegrationView]:
        """Returns the integrations of the person's tenant, by name."""
        headers = {"Authorization": f"Bearer {token}"}
        body = (await self._api.request("GET", "/integrations", headers=headers, answer=PAGE)).result()
        return [IntegrationView.model_validate(row) for row in body["integrations"]]

    async def close(self) -> None:
        await self._api.aclose()
