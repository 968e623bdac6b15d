from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from auth_env import KEY

from auth.people.models import Member, Tenant
from auth.people.passwords import PasswordHasher
from auth.people.ports import PeopleStore
from auth.people.repository import PeopleRepository
from auth.people.service import SignInService
from auth.people.tokens import TokenSigner
from shared.runtime.settings import AuthSettings
from shared.web.person import Role
from shared.web.problems import Problem
from shared.web.token_verification import TokenVerifier

PASSWORDS = PasswordHasher()
SIGNER = TokenSigner(KEY, "trueup", timedelta(hours=8))
TENANTS = (Tenant(id="demo", name="Demo MSP"),)
ADMIN = Member("demo", "admin@demo.example", "Admin", Role.ADMIN, "")


class PeopleInMemory:
    """Tenants and people, kept in a dictionary."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._members: dict[tuple[str, str], Member] = {}

    async def save_tenants(self, tenants: Sequence[Tenant]) -> None:
        self._tenants |= {tenant.id: tenant for tenant in tenants}

    async def save(self, member: Member) -> None:
        self._members[member.tenant_id, member.email] = member

    async def find(self, email: str, tenant_id: str | None) -> Sequence[Member]:
        members = [member for _, member in sorted(self._members.items())]
        return [
            member for member in members if member.email == email and tenant_id in {None, member.tenant_id}
        ]


@pytest.fixture(params=["document store", "memory"])
def people(request: pytest.FixtureRequest) -> PeopleStore:
    """Each test runs on the real store and on the one in memory."""
    if request.param == "memory":
        return PeopleInMemory()
    return PeopleRepository(request.getfixturevalue("mongo"))


@pytest.fixture
async def service(people: PeopleStore) -> SignInService:
    """The service, with the first admin seeded; its throttle's clock stands still."""
    sign_in = SignInService(people, PASSWORDS, SIGNER, now=lambda: datetime.now(UTC), monotonic=lambda: 0.0)
    await sign_in.seed(TENANTS, ADMIN, "the admin's password")
    return sign_in


async def test_the_seeded_admin_signs_in_and_is_known_by_the_token(service: SignInService) -> None:
    issued = await service.sign_in(" Admin@Demo.example", "the admin's password", None)

    person = await TokenVerifier(AuthSettings(url=""), SIGNER).person(issued.token)
    assert person == issued.person
    assert (person.tenant_id, person.role) == ("demo", Role.ADMIN)


@pytest.mark.parametrize("email", ["admin@demo.example", "nobody@demo.example"])
@pytest.mark.parametrize("tenant_id", [None, "demo", "nowhere"])
async def test_a_failed_sign_in_does_not_tell_whether_the_person_exists(
    service: SignInService, email: str, tenant_id: str | None
) -> None:
    with pytest.raises(Problem) as raised:
        await service.sign_in(email, "wrong", tenant_id)

    assert (raised.value.status, raised.value.detail) == (401, "The e-mail address or the password is wrong.")


async def test_seeding_again_keeps_the_hash_and_takes_a_new_password(
    service: SignInService, people: PeopleStore
) -> None:
    before = await people.find(ADMIN.email, None)

    await service.seed(TENANTS, ADMIN, "the admin's password")
    same = await people.find(ADMIN.email, None)
    await service.seed(TENANTS, ADMIN, "another password")

    assert same == before
    assert (await service.sign_in(ADMIN.email, "another password", None)).person.name == "Admin"


async def test_somebody_of_two_tenants_is_asked_which(service: SignInService, people: PeopleStore) -> None:
    await people.save(Member("other", ADMIN.email, "Ann", Role.VIEWER, PASSWORDS.hash("same")))
    await people.save(Member("third", ADMIN.email, "Ann", Role.VIEWER, PASSWORDS.hash("same")))

    with pytest.raises(Problem, match="belongs to other, third: send tenant_id"):
        await service.sign_in(ADMIN.email, "same", None)

    assert (await service.sign_in(ADMIN.email, "same", "third")).person.tenant_id == "third"
