"""What auth asks of every provider."""

from collections.abc import Sequence
from typing import Any, Protocol

from auth.providers.models import AccountIdentity, ProviderSession


class Provider(Protocol):
    """Proves the credentials of one provider, and exchanges them for a session.

    `connection` is `Any` because each provider takes its own subclass of `Connection`; callers pick the
    provider by `connection.provider`.
    """

    async def check(self, connection: Any) -> AccountIdentity:
        """Reads a row of everything that a sync will need, and returns whose account it is.

        Raises a 422 Problem naming the fields that can be wrong, TransientError when the provider is busy.
        """

    async def recognises(self, connection: Any, known_ids: Sequence[str]) -> bool:
        """Tells whether these credentials, which were checked, see each of these things.

        Raises TransientError when the provider is busy.
        """

    async def open_session(self, connection: Any, previous: ProviderSession | None) -> ProviderSession:
        """Returns a session; `previous`, of the same credentials and never refused, may be built upon.

        Raises CredentialsRejected when a person must connect again, TransientError when waiting may help.
        """
