"""What the live checks share: how patient they are, and how a provider's refusal is told to a person."""

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

# A person waits for the check; a service that asks for access repeats the whole of it.
_PATIENCE = CallPolicy(
    read_timeout=timedelta(seconds=60),
    attempts=2,
    total_timeout=timedelta(seconds=100),
    renew_on=frozenset(),
)


@dataclass(frozen=True, slots=True)
class ProviderClient:
    """How providers are reached; `transport` is for tests."""

    outbound: OutboundSettings
    transport: Transport | None = None

    def api(self, base_url: str, headers: Mapping[str, str], *, hidden: Iterable[str] = ()) -> Api:
        """`hidden` is what must not be repeated, besides the headers."""
        access = Access(base_url, headers, tuple(hidden))
        return Api(FixedAccess(access), outbound=self.outbound, policy=_PATIENCE, transport=self.transport)


@asynccontextmanager
async def address_in(field: str, provider: str) -> AsyncIterator[None]:
    """What is wrong with the address itself is a 422 naming its field; busy providers stay transient."""
    try:
        yield
    except AddressRefused as error:
        raise refused(provider, str(error), FieldError(field, str(error))) from error
    except UnexpectedResponse as error:
        reason = "this is not the API's address: another server answers there"
        raise refused(provider, str(error), FieldError(field, reason)) from error
    except TransientError as error:
        if error.status is not None:
            raise
        reason = "nothing answers at this address: check it for typing errors"
        raise refused(provider, str(error), FieldError(field, reason)) from error


def refused(provider: str, detail: str, *fields: FieldError) -> Problem:
    """Nothing was saved; the fields are those that can be wrong."""
    return Problem(422, f"{provider} was not connected", detail, fields=fields)


def quoted(answer: ApiResponse) -> str:
    """The far side's own words, for a person to tell one cause from another."""
    return f"it answered {answer.status}" + (f' "{answer.message}"' if answer.message else "")


def followed(answer: ApiResponse) -> ApiResponse:
    """Raises UnexpectedResponse for a redirect, which is never followed; other answers are looked at."""
    if answer.status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
        answer.result()
    return answer


def basic(user: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
