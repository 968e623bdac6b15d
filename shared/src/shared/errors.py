"""Errors named by what to do about them.

    TransientError            the far side is down, slow or limiting: try again
    ├── OutcomeUnknown        … but look first: the call may have taken effect
    ├── LongPause             … but not soon: put the work down, and hold nothing meanwhile
    └── NeighbourAway         … and blame no provider: it is a service of our own
        └── ConnectedAnew     … and what was begun for the former credentials must end
    PermanentError            trying again cannot help
    ├── CredentialsRejected   a person must reconnect
    ├── UnexpectedResponse    the far side changed
    ├── AddressRefused        a person must name another address
    └── RuleBroken            our own rule says no
        ├── NotFound
        └── Conflict

Anything else that is raised is a bug.
"""


class TransientError(Exception):
    """The far side is down, slow or limiting: try again.

    `retry_after` is the far side's own word on when to try again, in seconds from now, and None when it gave
    none. `status` is its HTTP status, and None when it did not answer at all.
    """

    def __init__(self, sentence: str, *, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.status = status


class OutcomeUnknown(TransientError):
    """A change was sent and may have taken effect: read before it is sent again."""


class LongPause(TransientError):
    """The provider, or its rate limit, lets nobody call for longer than `CALL_WAIT_SECONDS`."""

    retry_after: float

    def __init__(self, sentence: str, *, retry_after: float, status: int | None = None) -> None:
        super().__init__(sentence, retry_after=retry_after, status=status)


class NeighbourAway(TransientError):
    """A service of our own does not answer, which says nothing about the provider behind it."""


class ConnectedAnew(NeighbourAway):
    """The integration has another generation than the one that access was asked for."""


class PermanentError(Exception):
    """Trying again cannot help; `status` and `message` are the far side's own, if it answered."""

    def __init__(self, sentence: str, *, status: int | None = None, message: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.message = sentence if message is None else message


class CredentialsRejected(PermanentError):
    """A person must reconnect."""


class UnexpectedResponse(PermanentError):
    """The far side answered in a shape that we do not know."""


class AddressRefused(PermanentError):
    """The address is none that we call: not https, not public, or carrying a user name."""


class RuleBroken(PermanentError):
    """Our own rule says no."""


class NotFound(RuleBroken):
    """No such thing, for this tenant."""


class Conflict(RuleBroken):
    """The thing is not in the state that the request assumed."""
