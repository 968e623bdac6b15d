"""What a provider gives in exchange for credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """Where to call a provider, with which headers, and how long these are good from the moment of asking."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    lifetime: timedelta


class AccountIdentity(BaseModel):
    """Whose account credentials open, as far as the provider tells it; holds nothing personal."""

    model_config = ConfigDict(frozen=True)

    owner: str | None = None
    """The one owner of all that was looked at (Ingram Micro: `resellerId`); None where none, or several, are
    told."""
    known_ids: tuple[str, ...] = ()
    """Ids of up to five things that the account sees and a stranger's does not (Ingram Micro: customers)."""

    @property
    def is_blank(self) -> bool:
        """Whether it tells nothing: the account is empty, or such that no other can be meant."""
        return self.owner is None and not self.known_ids

    def agrees_with(self, judged: "AccountIdentity") -> bool:
        """Whether what was judged about `judged` holds for this one: they are equal, or have one owner."""
        return self == judged or (self.owner is not None and self.owner == judged.owner)

    def renewed(self, latest: "AccountIdentity") -> "AccountIdentity":
        """Returns what is known once later credentials have been accepted as the same account's.

        Two owners of one account are a tree of resellers: from then on the known ids alone decide.
        """
        if self.is_blank:
            return latest
        owners = {self.owner, latest.owner} - {None}
        owner = self.owner or latest.owner if len(owners) == 1 else None
        return AccountIdentity(owner=owner, known_ids=latest.known_ids or self.known_ids)


UNTOLD = AccountIdentity()
"""What a provider tells that names no account and shows nothing of one."""
