"""A fair share of this process for each person and tenant, so that one cannot take it from the others."""

# Invariant: of one person at most eight requests are worked on at once, and of one tenant at most 32, however
# many they send. What is beyond is refused, not queued: a queue would hold memory and connections for it. A
# refusal costs time as well, so it ends its connection: of many requests sent ahead on one, one is refused.
# A request counts from authentication until it is answered, a streamed answer to its end:
#
#   ann of acme sends 200    8 are worked on, 192 are answered 429    bob of zeta is answered as always

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared.limits import Limit
from shared.limits import http as limits
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.shares import Shares

Caller = Callable[[Request], AsyncIterator[Person]]
"""A FastAPI dependency: yields the caller, who holds a part of their share until the answer is sent."""

_RETRY_AFTER_SECONDS = 1


class FairShare:
    """The requests that are worked on in this process, by person and by tenant."""

    def __init__(
        self, by_person: Limit = limits.PERSON_REQUESTS, by_tenant: Limit = limits.TENANT_REQUESTS
    ) -> None:
        self._by_person, self._by_tenant, self._shares = by_person, by_tenant, Shares()

    def taken_by(self, person: Person) -> AbstractContextManager[None]:
        """Counts a request of the person while the block runs; raises a 429 `Problem` beyond the share."""
        tenant = (person.tenant_id,)
        shares = {(*tenant, person.person_id): self._by_person, tenant: self._by_tenant}
        return self._shares.hold(shares, _too_many)


def authenticated_first(caller: Caller) -> type[APIRoute]:
    """Returns a route class that lets the caller in before it reads the body, where a body may be large.

    FastAPI reads and parses a body before it asks any dependency, so that a stranger's would be read as well.
    The route gets its caller from `authenticated_caller`.
    """
    authenticated = asynccontextmanager(caller)

    class AuthenticatedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_authenticated(request: Request) -> Response:
                async with authenticated(request) as request.state.person:
                    return await handle(request)

            return handle_authenticated

    return AuthenticatedRoute


async def authenticated_caller(request: Request) -> Person:
    """A FastAPI dependency: the caller whom `authenticated_first` let in."""
    person: Person = request.state.person
    return person


def _too_many(limit: Limit) -> Problem:
    return Problem(
        429,
        "Too many requests at once",
        f"{limit} of {limit.bounds.removeprefix('requests of ')}: wait for some of them to be answered.",
        retry_after=_RETRY_AFTER_SECONDS,
        closing=True,
    )
