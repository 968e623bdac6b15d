"""HTTP in: sign in, integrations, and access for the sync services."""

from fastapi import APIRouter

from auth.routes.integrations import integration_routes
from auth.routes.internal import Callers, internal_routes
from auth.routes.sessions import session_routes
from auth.service.connecting import Connecting
from auth.service.signing_in import SigningIn
from shared.people import Role, Verifier, allowed

__all__ = ["Callers", "internal_routes", "make_router"]


def make_router(verifier: Verifier, connecting: Connecting, signing_in: SigningIn) -> APIRouter:
    """Everybody of a tenant may look, admins connect; nothing secret is ever answered."""
    router = APIRouter()
    router.include_router(session_routes(signing_in))
    router.include_router(
        integration_routes(
            connecting, viewer=allowed(verifier, Role.VIEWER), admin=allowed(verifier, Role.ADMIN)
        )
    )
    return router
