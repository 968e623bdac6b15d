"""HTTP in: signing in, and the keys that tokens are verified with."""

from fastapi import APIRouter, Request

from auth.people.requests import SignInRequest
from auth.people.responses import JsonWebKeySet, SessionResponse
from auth.people.service import SignInService
from shared.web.openapi import problem_responses


def session_routes(service: SignInService) -> APIRouter:
    """Both routes are open to everybody, so no security scheme is described."""
    router = APIRouter(tags=["sessions"])

    @router.post(
        "/sessions",
        status_code=201,
        responses=problem_responses(
            _401="The e-mail address or the password is wrong",
            _409="The person belongs to several tenants: send `tenant_id`",
            _422="A field is wrong; `fields` names it",
            _429="Too many failed attempts, or too many at once: try again after `Retry-After`",
            _503="Too many people sign in at this moment: try again after `Retry-After`",
        ),
    )
    async def sign_in(request: Request, body: SignInRequest) -> SessionResponse:
        """Exchange an e-mail address and a password for a token that all services accept.

        A device that sends the `device_token` of its last sign-in is spared the waits that others cause.
        """
        session = await service.sign_in(
            body.email,
            body.password.get_secret_value(),
            body.tenant_id,
            # Of the client's, if the console or a proxy that is trusted (FORWARDED_ALLOW_IPS) passed it on.
            address=request.client.host if request.client else "",
            device_token=body.device_token,
        )
        return SessionResponse.of(session)

    @router.get("/.well-known/jwks.json")
    async def get_keys() -> JsonWebKeySet:
        """Get the public keys of people's tokens, with which every service verifies tokens offline."""
        return JsonWebKeySet.model_validate(service.published_keys())

    return router
