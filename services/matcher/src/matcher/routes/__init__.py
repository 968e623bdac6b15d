"""HTTP in: browse, decide, finish."""

from fastapi import APIRouter

from matcher.routes.browsing import browsing_routes
from matcher.routes.deciding import deciding_routes
from matcher.routes.finishing import finishing_routes
from matcher.service.browsing import Browsing
from matcher.service.deciding import Deciding
from matcher.service.finishing import Finishing
from shared.people import Role, Verifier, allowed


def make_router(
    verifier: Verifier, *, browsing: Browsing, deciding: Deciding, finishing: Finishing
) -> APIRouter:
    """Viewers may look, mappers decide; each in their own tenant only, which their token names."""
    viewer, mapper = allowed(verifier, Role.VIEWER), allowed(verifier, Role.MAPPER)
    router = APIRouter()
    router.include_router(browsing_routes(browsing, viewer))
    router.include_router(deciding_routes(deciding, browsing, mapper))
    router.include_router(finishing_routes(finishing, mapper))
    return router
