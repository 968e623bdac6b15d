"""An integration and the transitions of its status (architecture §1)."""

# Invariant: a transition returns the integration itself when it changes nothing, and otherwise a copy with a
# larger revision; whoever saves compares the two, so that an event that comes twice is published once.
#   connect ──▶ pending ──activate──▶ active        connect again, once activated ──▶ active, next generation
#                  │                    │
#                  └──────reject────────┴──▶ error      disconnect, from any status ──▶ disconnected
# `mapped` survives errors and disconnections, for mappings do: a new connection finds them done.
#
# Auth's database may be restored to an older state, and others know what it told since. So generations and
# revisions are at least the microseconds since the epoch, and none is given twice; and auth hears its own
# news, which says nothing that it does not know, but after a restore:
#   restored: generation 5, active     told since: generation 9, active        → error: connect it again
#                                      told since: generation 5, disconnected  → disconnected

from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from auth.credentials.connections import Connection
from auth.providers.models import UNTOLD, AccountIdentity
from shared.contracts.auth import (
    IntegrationChanged,
    IntegrationConnected,
    IntegrationSettings,
    IntegrationStatus,
)
from shared.contracts.base import Side, integration_id_of, utc

_LOST = "auth's database was restored to an older state, which these credentials are not in: connect it again"
_CREDENTIALS_IN_USE = frozenset({IntegrationStatus.PENDING, IntegrationStatus.ACTIVE})


class Integration(BaseModel):
    """One connection of a tenant to one provider realm; holds nothing secret.

    The fields are stored under these names, and the contracts take theirs from them.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    integration_id: str
    side: Side
    provider: str
    realm: str
    name: str
    status: IntegrationStatus
    reason: str | None = None
    generation: int
    connected_at: AwareDatetime
    settings: IntegrationSettings = IntegrationSettings()
    identity: AccountIdentity = UNTOLD
    """Whose account it reads, as far as the provider has told; never changes to somebody else's."""
    mapped: bool = False
    """Whether a person has finished its mapping once."""
    revision: int

    @classmethod
    def connect(
        cls,
        tenant_id: str,
        connection: Connection,
        *,
        previous: Self | None,
        now: datetime,
        identity: AccountIdentity = UNTOLD,
    ) -> Self:
        """Returns a new integration, or the next generation of the previous one, for proven credentials.

        The previous one keeps its id and its realm, however it is spelt now: mappings rest on both.
        """
        realm = previous.realm if previous else connection.realm_of(identity.owner)
        integration_id = integration_id_of(tenant_id, connection.provider, realm)
        return cls(
            tenant_id=tenant_id,
            integration_id=previous.integration_id if previous else integration_id,
            side=connection.side,
            provider=connection.provider,
            realm=realm,
            name=connection.name or (previous.name if previous else connection.label),
            status=IntegrationStatus.ACTIVE if previous and previous.mapped else IntegrationStatus.PENDING,
            generation=_next_number(previous.generation if previous else 0, now),
            connected_at=utc(now),
            settings=previous.settings if previous else IntegrationSettings(),
            identity=previous.identity.renewed(identity) if previous else identity,
            mapped=previous.mapped if previous else False,
            revision=_next_number(previous.revision if previous else 0, now),
        )

    def activate(self, now: datetime) -> Self:
        """Mapping was finished: the integration is active now, or as soon as it is connected again."""
        if self.mapped:
            return self
        status = IntegrationStatus.ACTIVE if self.status is IntegrationStatus.PENDING else self.status
        return self._with_status(status, self.reason, now).model_copy(update={"mapped": True})

    def reject(self, generation: int, reason: str, now: datetime) -> Self:
        """The provider refused the credentials of `generation`; nothing changes if they were replaced."""
        if generation != self.generation or self.status not in _CREDENTIALS_IN_USE:
            return self
        return self._with_status(IntegrationStatus.ERROR, reason, now)

    def disconnect(self, now: datetime) -> Self:
        """A person ended the connection."""
        if self.status is IntegrationStatus.DISCONNECTED:
            return self
        return self._with_status(IntegrationStatus.DISCONNECTED, None, now)

    def caught_up(self, told: IntegrationChanged, now: datetime) -> Self:
        """Follows what auth told after the state to which its database was restored, if it was."""
        if told.revision <= self.revision and told.generation <= self.generation:
            return self
        newest = told if told.revision > self.revision else self  # a person may have disconnected it since
        lost = told.generation > self.generation and newest.status in _CREDENTIALS_IN_USE
        return self.model_copy(
            update={
                "generation": max(told.generation, self.generation),
                "status": IntegrationStatus.ERROR if lost else newest.status,
                "reason": _LOST if lost else newest.reason,
                "settings": newest.settings,
                "mapped": self.mapped or told.status is IntegrationStatus.ACTIVE,
                "revision": _next_number(max(told.revision, self.revision), now),
            }
        )

    def connected_event(self) -> IntegrationConnected:
        return IntegrationConnected(**self.model_dump(include=set(IntegrationConnected.model_fields)))

    def changed_event(self) -> IntegrationChanged:
        return IntegrationChanged(**self.model_dump(include=set(IntegrationChanged.model_fields)))

    def _with_status(self, status: IntegrationStatus, reason: str | None, now: datetime) -> Self:
        revision = _next_number(self.revision, now)
        return self.model_copy(update={"status": status, "reason": reason, "revision": revision})


def _next_number(before: int, now: datetime) -> int:
    """Returns a larger revision or generation, even with the store restored or begun anew (architecture §3).

    Microseconds since the epoch, or one more than the number before where that is larger.
    """
    return max(before + 1, int(now.astimezone(UTC).timestamp() * 1_000_000))
