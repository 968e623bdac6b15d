"""What sealing needs from whoever keeps the wrapping keys."""

from typing import Protocol


class KeyProvider(Protocol):
    """Wraps data keys with wrapping keys that it does not give away: a keyring now, a KMS later.

    The calls are asynchronous because a KMS is asked over the network.
    """

    @property
    def current_key_id(self) -> str:
        """The id of the key that wraps whatever is sealed from now on."""

    async def wrap(self, key_id: str, data_key: bytes, associated_data: bytes) -> bytes: ...

    async def unwrap(self, key_id: str, wrapped: bytes, associated_data: bytes) -> bytes:
        """Raises PermanentError when there is no key of this id, or it is not the one that wrapped."""
