"""Finds the integration that is connected again, and refuses credentials of somebody else's account."""

# Invariant: an integration never changes whose account it reads. All of the old account would otherwise be
# gone in a complete run, and all counts zero (architecture §4, *Identity*). Stored: reseller 1000001, with
# the customers 27, 28, 29:
#
#   new credentials of 1000001                         the same
#   of nobody told, or of 1000050, reading 27, 28, 29  the same: no stranger reads these
#   of 1000002, not reading them                       refused; with `reseller: 1000002` a second integration
#   of nobody told, not reading them                   refused, unless a person vouches (`same_reseller`)
#
# What was connected while it had no customers tells nothing: it takes on the account of the next credentials.

from collections.abc import Sequence

from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from auth.providers.models import AccountIdentity
from auth.providers.ports import Provider
from shared.web.problems import FieldError, Problem

_TITLE = "These credentials are of another company"


async def find_previous(
    connection: Connection, identity: AccountIdentity, stored: Sequence[Integration], provider: Provider
) -> Integration | None:
    """Returns the integration that these credentials, whose identity was read, connect again.

    None means that they connect a new one. `stored` are the tenant's. Raises a 422 Problem for credentials of
    another account, and TransientError when the provider is busy.
    """
    named = connection.named_owner
    if named is not None and identity.owner != named:
        raise _misnamed(identity, named)
    at_realm = _at_realm(connection, stored)
    for integration in at_realm:
        if await _is_same(connection, identity, integration, provider):
            return integration
    if not at_realm:
        return None
    unknown = next((one for one in at_realm if one.identity.is_blank), None)
    if named is None and unknown:
        return unknown
    if named is None:
        raise _refusal(identity, at_realm[0])
    if unknown:
        raise _undecidable(unknown)
    return None


def _at_realm(connection: Connection, stored: Sequence[Integration]) -> list[Integration]:
    """Returns what is connected to the same address and marketplace or company, whatever its spelling.

    Of two that an older build made of two spellings, the one that is spelt as it is typed now comes first.
    """
    found = [
        integration
        for integration in stored
        if integration.provider == connection.provider
        and connection.canonical_realm(integration.realm) == connection.realm
    ]
    spelt_alike = connection.realm, connection.former_realm
    return sorted(found, key=lambda one: (one.realm not in spelt_alike, one.connected_at))


async def _is_same(
    connection: Connection, identity: AccountIdentity, integration: Integration, provider: Provider
) -> bool:
    known = integration.identity
    if known.owner is not None and known.owner == identity.owner:
        return True
    if known.known_ids and await provider.recognises(connection, known.known_ids):
        return True
    owners_differ = None not in (known.owner, identity.owner)
    return not known.is_blank and not owners_differ and connection.vouched


def _misnamed(identity: AccountIdentity, named: str) -> Problem:
    told = identity.owner or "one that the provider does not name"
    detail = f"The credentials are not of reseller {named}, but of {told}. Nothing was saved."
    return Problem(422, _TITLE, detail, fields=[FieldError("reseller", f"the reseller is {told}")])


def _refusal(identity: AccountIdentity, integration: Integration) -> Problem:
    known, theirs = integration.identity.owner, identity.owner
    if known and theirs:
        detail = f"{integration.name} is connected as reseller {known}; these credentials are of {theirs}."
        way_out = f"use a user of {known}, or connect {theirs} besides: send `reseller` with its id"
    else:
        detail = f"These credentials see not all of the customers that {integration.name} is known by."
        way_out = "use a user of the same reseller; if it is one and they are gone, send `same_reseller`"
    return Problem(422, _TITLE, f"{detail} Nothing was saved.", fields=[FieldError("username", way_out)])


def _undecidable(integration: Integration) -> Problem:
    reason = "connect it again without `reseller` first: whose account it is was not told yet"
    detail = f"{integration.name} is connected to this marketplace; {reason}. Nothing was saved."
    return Problem(422, _TITLE, detail, fields=[FieldError("reseller", reason)])
