"""What the providers share: how patiently they are called, and how a refusal becomes a problem of a field."""

# Invariant: whatever can be mended by typing something else is a 422 Problem that names the fields, and
# whatever can be mended by waiting stays a TransientError, so that nobody changes credentials that are right:
#   401 "Bad credentials"            → 422, fields username and password
#   the host name cannot be found    → 422, field base_url or host
#   429, or a 403 about a quota      → TransientError with its pause, answered as 503

import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from shared.errors import AddressRefused, TransientError, UnexpectedResponse
from shared.http_client.access_source import Access, FixedAccess
from shared.http_client.client import Api, Transport
from shared.http_client.response import ApiResponse
from shared.http_client.retry import CallPolicy
from shared.runtime.settings import OutboundSettings
from shared.web.problems import FieldError, Problem

# A person waits for a check, so a call is tried twice at most; a sync service repeats its whole request.
_CHECK_POLICY = CallPolicy(
    read_timeout=timedelta(seconds=60),
    attempts=2,
    total_timeout=timedelta(seconds=100),
    renew_on=frozenset(),
)


@dataclass(frozen=True, slots=True)
class ProviderClient:
    """Opens HTTP clients to providers; `transport` is for tests."""

    outbound: OutboundSettings
    transport: Transport | None = None

    def api(self, base_url: str, headers: Mapping[str, str], *, hidden: Iterable[str] = ()) -> Api:
        """Returns a client that masks the headers and the `hidden` texts where the far side repeats them."""
        access = Access(base_url, headers, tuple(hidden))
        return Api(
            FixedAccess(access), outbound=self.outbound, policy=_CHECK_POLICY, transport=self.transport
        )


@asynccontextmanager
async def address_problems(field: str, provider: str) -> AsyncIterator[None]:
    """Raises a 422 Problem naming `field` when the address is wrong; a busy provider's error passes."""
    try:
        yield
    except AddressRefused as error:
        raise connection_problem(provider, str(error), FieldError(field, str(error))) from error
    except UnexpectedResponse as error:
        reason = "this is not the API's address: another server answers there"
        raise connection_problem(provider, str(error), FieldError(field, reason)) from error
    except TransientError as error:
        # With a status somebody answered, so the address is right; without one nobody was reached.
        if error.status is not None:
            raise
        reason = "nothing answers at this address: check it for typing errors"
        raise connection_problem(provider, str(error), FieldError(field, reason)) from error


def connection_problem(provider: str, detail: str, *fields: FieldError) -> Problem:
    """Returns the 422 that says that nothing was saved; `fields` are all that can be wrong."""
    return Problem(422, f"{provider} was not connected", detail, fields=fields)


def quote_response(response: ApiResponse) -> str:
    """Returns the far side's status and own words, by which a person may tell one cause from another."""
    return f"it answered {response.status}" + (f' "{response.message}"' if response.message else "")


def refuse_redirect(response: ApiResponse) -> ApiResponse:
    """Returns the response; raises UnexpectedResponse for a redirect, to which credentials are never sent."""
    if response.status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
        response.result()
    return response


def basic_auth(user: str, password: str) -> str:
    """Returns the value of the Authorization header (RFC 7617, in UTF-8)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
