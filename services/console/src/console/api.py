"""The services that the console asks, with the token of the person who looks."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.contracts.auth import Status
from shared.contracts.base import Side
from shared.errors import CredentialsRejected
from shared.http import Answer, Api
from shared.settings import OutboundSettings


class Shown(BaseModel):
    """What is read of an answer; fields that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Session(Shown):
    """A token, and until when it is good."""

    token: str
    expires_at: datetime


class Integration(Shown):
    """One connection to a provider as auth tells it."""

    integration_id: str
    side: Side
    provider: str
    name: str
    status: Status
    reason: str | None = None
    connected_at: datetime


class AuthApi:
    """Auth over HTTP. Raises `TransientError` when it does not answer."""

    def __init__(self, url: str) -> None:
        self._api = Api(url, outbound=OutboundSettings(allowed_origins=(url,)))

    async def sign_in(self, email: str, password: str) -> Session:
        """Raises `CredentialsRejected` with auth's own sentence."""
        answer = await self._api.request("POST", "/sessions", json={"email": email, "password": password})
        if not answer.is_success:
            raise CredentialsRejected(_detail(answer))
        return Session.model_validate(answer.json)

    async def integrations(self, token: str) -> list[Integration]:
        headers = {"Authorization": f"Bearer {token}"}
        rows = (await self._api.request("GET", "/integrations", headers=headers)).result()
        return [Integration.model_validate(row) for row in rows["integrations"]]

    async def close(self) -> None:
        await self._api.aclose()


def _detail(answer: Answer) -> str:
    body = answer.json if isinstance(answer.json, dict) else {}
    return str(body.get("detail") or f"auth answered {answer.status}")
