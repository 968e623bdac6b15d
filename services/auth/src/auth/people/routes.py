"""Signing in, and the keys that tokens are verified with."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.people.service import Session, SignInService


class SignInRequest(BaseModel):
    """`tenant_id` is needed only by people of several tenants."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Annotated[str, Field(max_length=300)]
    password: Annotated[SecretStr, Field(max_length=300)]
    tenant_id: Annotated[str, Field(max_length=100)] | None = None


def session_routes(signing_in: SignInService) -> APIRouter:
    """Both are open to everybody."""
    router = APIRouter()

    @router.post("/sessions", status_code=201)
    async def sign_in(body: SignInRequest) -> dict[str, Any]:
        signed = await signing_in.sign_in(body.email, body.password.get_secret_value(), body.tenant_id)
        return _session(signed)

    @router.get("/.well-known/jwks.json")
    async def keys() -> dict[str, Any]:
        return signing_in.published_keys()

    return router


def _session(signed: Session) -> dict[str, Any]:
    person = signed.person
    return {
        "token": signed.token,
        "expires_at": signed.expires_at.isoformat(),
        "person": {
            "person_id": person.person_id,
            "tenant_id": person.tenant_id,
            "name": person.name,
            "role": person.role.name.lower(),
        },
    }
