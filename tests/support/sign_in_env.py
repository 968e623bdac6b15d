"""Sign-ins at a service whose hashes cost nothing, are counted, and may be held up."""

import threading
from datetime import UTC, datetime, timedelta

from auth_env import KEY, PeopleInMemory

from auth.people.models import Member
from auth.people.ports import PasswordHashes, PeopleStore
from auth.people.service import SignInService
from auth.people.tokens import TokenSigner
from shared.errors import TransientError
from shared.web.person import Role
from shared.web.problems import Problem

HOME, AWAY = "192.0.2.7", "203.0.113.9"
SIGNER = TokenSigner(KEY, "trueup", timedelta(hours=8))


class CountingHashes:
    """Hashes that are the passwords themselves; counts how many were made, and may be held up."""

    def __init__(self) -> None:
        self.calls = 0
        self.threads = set[str]()
        self.go_on = threading.Event()
        self.go_on.set()

    def hash(self, password: str, *, like: str | None = None) -> str:  # noqa: ARG002  (there is no salt)
        self.go_on.wait(60)
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        return password


def a_service(people: PeopleStore, hashes: PasswordHashes) -> SignInService:
    """The service; its throttle's clock stands still."""
    return SignInService(people, hashes, SIGNER, now=lambda: datetime.now(UTC), monotonic=lambda: 0.0)


async def people_of(*tenant_ids: str, email: str = "ann@x.example") -> PeopleInMemory:
    """One person who is a member of these tenants, with a password for each: `right for <tenant>`."""
    people = PeopleInMemory()
    for tenant_id in tenant_ids:
        await people.save(Member(tenant_id, email, "Ann", Role.VIEWER, f"right for {tenant_id}"))
    return people


async def status_of(
    service: SignInService, email: str, password: str, *, address: str = HOME, device_token: str = ""
) -> int:
    """The HTTP status that an attempt to sign in comes to."""
    try:
        await service.sign_in(email, password, None, address=address, device_token=device_token)
    except Problem as refusal:
        return refusal.status
    except TransientError:
        return 503
    return 201
