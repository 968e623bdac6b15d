"""The one registry of the sandbox's faults and moods: every switch, its values and its default."""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

INGRAM, CONNECTWISE = "ingram-micro", "connectwise"


class WriteBehaviour(StrEnum):
    """What becomes of a write to the PSA."""

    APPLIED = "applied"
    REFUSED = "refused"
    """400, nothing stored."""
    IGNORED = "ignored"
    """A false success: the answer of a write, nothing stored."""
    CUT_BEFORE = "cut-before"
    """The connection is closed without an answer, nothing stored."""
    CUT_AFTER = "cut-after"
    """Stored, then the connection is closed without an answer."""


class PatchPaths(StrEnum):
    """What becomes of a PATCH path that is no bare field name, such as `/quantity` or `product/id`."""

    REFUSED = "refused"
    IGNORED = "ignored"


class Failure(BaseModel):
    """The next `count` calls get `status`, and `Retry-After` when `retry_after` (seconds) is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(ge=1)
    status: int = Field(ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)


class Switches(BaseModel):
    """All switches with their defaults.

    A further fault gets its field here, named `<provider>.<what>`, and is asked for where the
    provider would do the thing; nothing else has to know of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connectwise_writes: WriteBehaviour = Field(default=WriteBehaviour.APPLIED, alias="connectwise.writes")
    connectwise_patch_paths: PatchPaths = Field(default=PatchPaths.REFUSED, alias="connectwise.patch_paths")
    connectwise_bad_keys_status: Literal[401, 404] = Field(default=401, alias="connectwise.bad_keys_status")
    connectwise_fail_next: Failure | None = Field(default=None, alias="connectwise.fail_next")
    ingram_fail_next: Failure | None = Field(default=None, alias="ingram.fail_next")
    ingram_token_dead: bool = Field(default=False, alias="ingram.token_dead")
    """Setting it kills every token issued so far; it is a push button and reads back as false."""
    latency_ms: float = Field(default=0, ge=0, le=60_000)

    def named(self) -> dict[str, Any]:
        """The switches by their public names."""
        return self.model_dump(mode="json", by_alias=True)

    def changed(self, given: dict[str, Any]) -> Self:
        """These switches with the given ones set; `null` puts one back to its default."""
        known = self.named()
        back_to_default = {name for name, value in given.items() if value is None and name in known}
        wanted = known | given
        return self.model_validate({name: wanted[name] for name in wanted.keys() - back_to_default})


class Switchboard:
    """Holds the present switches."""

    def __init__(self) -> None:
        self.now = Switches()

    def put(self, given: dict[str, Any]) -> None:
        """Set the named switches; raises ValidationError for a name or value that does not exist."""
        self.now = self.now.changed(given)

    def release_token_button(self) -> bool:
        """Whether the button that kills tokens was pushed; it springs back."""
        pushed = self.now.ingram_token_dead
        self.now = self.now.changed({"ingram.token_dead": False})
        return pushed

    def failing(self, provider: str) -> Failure | None:
        """The failure due for this call of the provider, which is thereby used up once."""
        name = "ingram.fail_next" if provider == INGRAM else "connectwise.fail_next"
        failure = self.now.ingram_fail_next if provider == INGRAM else self.now.connectwise_fail_next
        if failure is not None:
            rest = failure.model_copy(update={"count": failure.count - 1})
            self.put({name: rest.model_dump() if rest.count else None})
        return failure
