"""Declares the sandbox's switches, each a fault or mode of a provider, with its values and its default."""

# There is one immutable set of switches at a time, replaced as a whole: a request that names an unknown
# switch or value changes none.  `null` means "back to the default":
#   {"latency_ms": 5, "connectwise.writes": null}  → latency 5, writes "applied", all others as they were.
#
# `take_failure` counts down as it hands out a failure, so {"count": 2, "status": 503} fails exactly the next
# two calls of that provider and none of the other.

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
    HELD = "held"
    """The connection is closed without an answer, and stored once the switch says something else: late."""


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


class ForeignChange(BaseModel):
    """Somebody sets the quantity of an addition, once: right before the call after so many single reads.

    That call is the next reading of one addition, or its PATCH.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: float
    by: str = Field(default="jdoe", min_length=1, max_length=50)
    after_reads: int = Field(default=1, ge=0)


class Switches(BaseModel):
    """All switches with their defaults.

    To add a fault, add a field here, named `<provider>.<what>`, and read it where the provider would
    behave differently; no other code has to know of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connectwise_writes: WriteBehaviour = Field(default=WriteBehaviour.APPLIED, alias="connectwise.writes")
    connectwise_patch_paths: PatchPaths = Field(default=PatchPaths.REFUSED, alias="connectwise.patch_paths")
    connectwise_foreign_change: ForeignChange | None = Field(default=None, alias="connectwise.foreign_change")
    connectwise_bad_keys_status: Literal[401, 404] = Field(default=401, alias="connectwise.bad_keys_status")
    connectwise_fail_next: Failure | None = Field(default=None, alias="connectwise.fail_next")
    ingram_fail_next: Failure | None = Field(default=None, alias="ingram.fail_next")
    ingram_names_reseller: bool = Field(default=True, alias="ingram.names_reseller")
    """Whether customers name their reseller, which the real marketplace leaves open."""
    ingram_sister_company: bool = Field(default=False, alias="ingram.sister_company")
    """The credentials are those of a sister company: other customers, and none of the story's."""
    ingram_token_dead: bool = Field(default=False, alias="ingram.token_dead")
    """A push button: setting it revokes every token issued so far, and it reads back as false."""
    latency_ms: float = Field(default=0, ge=0, le=60_000)

    def to_json(self) -> dict[str, Any]:
        """Return the switches by their public names."""
        return self.model_dump(mode="json", by_alias=True)

    def with_changes(self, given: dict[str, Any]) -> Self:
        """Return these switches with the given ones set; `null` puts one back to its default."""
        known = self.to_json()
        back_to_default = {name for name, value in given.items() if value is None and name in known}
        wanted = known | given
        return self.model_validate({name: wanted[name] for name in wanted.keys() - back_to_default})


class Switchboard:
    """Holds the current switches."""

    def __init__(self) -> None:
        self.current = Switches()

    def change(self, given: dict[str, Any]) -> None:
        """Set the named switches; raises `ValidationError` for a name or value that does not exist."""
        self.current = self.current.with_changes(given)

    def take_token_revocation(self) -> bool:
        """Return whether the button that revokes tokens was pushed, and release it."""
        pushed = self.current.ingram_token_dead
        self.current = self.current.with_changes({"ingram.token_dead": False})
        return pushed

    def take_foreign_change(self, *, by_reading: bool) -> ForeignChange | None:
        """Return the change that somebody makes right before this call, and use it up; a reading counts."""
        change = self.current.connectwise_foreign_change
        if change is None or (change.after_reads and not by_reading):
            return None
        later = change.model_copy(update={"after_reads": change.after_reads - 1}).model_dump()
        self.change({"connectwise.foreign_change": later if change.after_reads else None})
        return None if change.after_reads else change

    def take_failure(self, provider: str) -> Failure | None:
        """Return the failure due for this call of the provider, if any, and use it up once."""
        name = "ingram.fail_next" if provider == INGRAM else "connectwise.fail_next"
        failure = self.current.ingram_fail_next if provider == INGRAM else self.current.connectwise_fail_next
        if failure is not None:
            rest = failure.model_copy(update={"count": failure.count - 1})
            self.change({name: rest.model_dump() if rest.count else None})
        return failure
