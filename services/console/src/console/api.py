"""The services that the console asks, with the token of the person who looks."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import CredentialsRejected
from shared.http_client.client import Api
from shared.http_client.response import ApiResponse
from shared.runtime.settings import OutboundSettings


class ConsoleModel(BaseModel):
    """What is read of an answer; fields that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SessionView(ConsoleModel):
    """A token, and until when it is good."""

    token: str
    expires_at: datetime


class IntegrationView(ConsoleModel):
    """One connection to a provider as auth tells it."""

    integration_id: str
    side: Side
    provider: str
    name: str
    status: IntegrationStatus
    reason: str | None = None
    connected_at: datetime


class AuthApi:
    """Auth over HTTP. Raises `TransientError` when it does not answer."""

    def __init__(self, url: str) -> None:
        self._api = Api(url, outbound=OutboundSettings(allowed_origins=(url,)))

    async def sign_in(self, email: str, password: str) -> SessionView:
        """Raises `CredentialsRejected` with auth's own sentence."""
        answer = await self._api.request("POST", "/sessions", json={"email": email, "password": password})
        if not answer.is_success:
            raise CredentialsRejected(_detail(answer))
        return SessionView.model_validate(answer.json)

    async def integrations(self, token: str) -> list[IntegrationView]:
        headers = {"Authorization": f"Bearer {token}"}
        rows = (await self._api.request("GET", "/integrations", headers=headers)).result()
        return [IntegrationView.model_validate(row) for row in rows["integrations"]]

    async def close(self) -> None:
        await self._api.aclose()


def _detail(answer: ApiResponse) -> str:
    body = answer.json if isinstance(answer.json, dict) else {}
    return str(body.get("detail") or f"auth answered {answer.status}")
