from datetime import UTC, datetime, timedelta

import argon2
import pytest
from auth_env import KEY, PeopleInMemory

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

HOME = "192.0.2.7"
PASSWORDS = PasswordHasher(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
SIGNER = TokenSigner(KEY, "trueup", timedelta(hours=8))
TENANTS = (Tenant(id="demo", name="Demo MSP"),)
ADMIN = Member("demo", "admin@demo.example", "Admin", Role.ADMIN, "")


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
    session = await service.sign_in(" Admin@Demo.example", "the admin's password", None, address=HOME)

    person = await TokenVerifier(AuthSettings(url=""), SIGNER).person(session.issued.token)
    assert person == session.issued.person
    assert (person.tenant_id, person.role) == ("demo", Role.ADMIN)


@pytest.mark.parametrize("email", ["admin@demo.example", "nobody@demo.example"])
@pytest.mark.parametrize("tenant_id", [None, "demo", "nowhere"])
async def test_a_failed_sign_in_does_not_tell_whether_the_person_exists(
    service: SignInService, email: str, tenant_id: str | None
) -> None:
    with pytest.raises(Problem) as raised:
        await service.sign_in(email, "wrong", tenant_id, address=HOME)

    assert (raised.value.status, raised.value.detail) == (401, "The e-mail address or the password is wrong.")


async def test_seeding_again_keeps_the_hash_and_takes_a_new_password(
    service: SignInService, people: PeopleStore
) -> None:
    before = await people.find(ADMIN.email, None)

    await service.seed(TENANTS, ADMIN, "the admin's password")
    same = await people.find(ADMIN.email, None)
    await service.seed(TENANTS, ADMIN, "another password")

    assert same == before
    session = await service.sign_in(ADMIN.email, "another password", None, address=HOME)
    assert session.issued.person.name == "Admin"


async def test_somebody_of_two_tenants_is_asked_which(service: SignInService, people: PeopleStore) -> None:
    same = await hashed_like_the_admins(people, "same")
    await people.save(Member("other", ADMIN.email, "Ann", Role.VIEWER, same))
    await people.save(Member("third", ADMIN.email, "Ann", Role.VIEWER, same))

    with pytest.raises(Problem, match="belongs to other, third: send tenant_id"):
        await service.sign_in(ADMIN.email, "same", None, address=HOME)

    session = await service.sign_in(ADMIN.email, "same", "third", address=HOME)
    assert session.issued.person.tenant_id == "third"


async def hashed_like_the_admins(people: PeopleStore, password: str) -> str:
    [admin] = await people.find(ADMIN.email, "demo")
    return PASSWORDS.hash(password, like=admin.password_hash)


async def test_seeding_gives_a_member_of_several_tenants_one_salt_in_all_of_them(
    service: SignInService, people: PeopleStore
) -> None:
    await people.save(Member("another", ADMIN.email, "Ann", Role.VIEWER, PASSWORDS.hash("of another")))

    await service.seed(TENANTS, ADMIN, "the admin's password")

    for password, tenant_id in (("of another", "another"), ("the admin's password", "demo")):
        session = await service.sign_in(ADMIN.email, password, None, address=HOME)
        assert session.issued.person.tenant_id == tenant_id


async def test_who_names_the_tenant_signs_in_whatever_salts_the_other_tenants_have(
    service: SignInService, people: PeopleStore
) -> None:
    await people.save(Member("third", ADMIN.email, "Ann", Role.VIEWER, PASSWORDS.hash("of third")))

    session = await service.sign_in(ADMIN.email, "of third", "third", address=HOME)

    assert session.issued.person.tenant_id == "third"
