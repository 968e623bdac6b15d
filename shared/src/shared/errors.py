"""Errors named by what to do about them.

    TransientError            the far side is down, slow or limiting: try again
    PermanentError            trying again cannot help
    ├── CredentialsRejected   a person must reconnect
    ├── UnexpectedResponse    the far side changed
    └── RuleBroken            our own rule says no
        ├── NotFound
        └── Conflict

Anything else that is raised is a bug.
"""


class TransientError(Exception):
    """The far side is down, slow or limiting; `retry_after` is its own word on when, in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(Exception):
    """Trying again cannot help."""


class CredentialsRejected(PermanentError):
    """A person must reconnect."""


class UnexpectedResponse(PermanentError):
    """The far side answered in a shape that we do not know."""


class RuleBroken(PermanentError):
    """Our own rule says no."""


class NotFound(RuleBroken):
    """No such thing, for this tenant."""


class Conflict(RuleBroken):
    """The thing is not in the state that the request assumed."""
