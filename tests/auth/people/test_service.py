import base64
from datetime import UTC, datetime, timedelta

import pytest
from auth_env import KEY

from auth.people.models import Member, PasswordHashes, Tenant
from auth.people.repository import MongoPeople
from auth.people.service import SignInService, SignInThrottle
from auth.people.tokens import TokenSigner
from shared.mongo import Mongo
from shared.runtime.settings import AuthSettings
from shared.web.person import Person, Role
from shared.web.problems import Problem
from shared.web.token_verification import TokenVerifier

PASSWORDS = PasswordHashes()
SIGNER = TokenSigner(KEY, "trueup", timedelta(hours=8))
TENANTS = (Tenant(id="demo", name="Demo MSP"),)
ADMIN = Member("demo", "admin@demo.example", "Admin", Role.ADMIN, "")


class Ticks:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def a_desk(mongo: Mongo, tick: Ticks | None = None) -> SignInService:
    desk = SignInService(
        MongoPeople(mongo), PASSWORDS, SIGNER, now=lambda: datetime.now(UTC), tick=tick or Ticks()
    )
    await desk.seed(TENANTS, ADMIN, "the admin's password")
    return desk


async def test_the_seeded_admin_signs_in_and_is_known_by_the_token(mongo: Mongo) -> None:
    desk = await a_desk(mongo)

    signed = await desk.sign_in(" Admin@Demo.example", "the admin's password", None)

    person = await TokenVerifier(AuthSettings(url=""), SIGNER).person(signed.token)
    assert person == signed.person
    assert (person.tenant_id, person.role) == ("demo", Role.ADMIN)


@pytest.mark.parametrize("email", ["admin@demo.example", "nobody@demo.example"])
@pytest.mark.parametrize("tenant_id", [None, "demo", "nowhere"])
async def test_a_failed_sign_in_does_not_tell_whether_the_person_exists(
    mongo: Mongo, email: str, tenant_id: str | None
) -> None:
    desk = await a_desk(mongo)

    with pytest.raises(Problem) as raised:
        await desk.sign_in(email, "wrong", tenant_id)

    assert (raised.value.status, raised.value.detail) == (401, "The e-mail address or the password is wrong.")


async def test_seeding_again_keeps_the_hash_and_takes_a_new_password(mongo: Mongo) -> None:
    desk, people = await a_desk(mongo), MongoPeople(mongo)
    before = await people.known(ADMIN.email, None)

    await desk.seed(TENANTS, ADMIN, "the admin's password")
    same = await people.known(ADMIN.email, None)
    await desk.seed(TENANTS, ADMIN, "another password")

    assert same == before
    assert (await desk.sign_in(ADMIN.email, "another password", None)).person.name == "Admin"


async def test_somebody_of_two_tenants_is_asked_which(mongo: Mongo) -> None:
    desk = await a_desk(mongo)
    await MongoPeople(mongo).save(Member("other", ADMIN.email, "Ann", Role.VIEWER, PASSWORDS.hashed("same")))
    await MongoPeople(mongo).save(Member("third", ADMIN.email, "Ann", Role.VIEWER, PASSWORDS.hashed("same")))

    with pytest.raises(Problem, match="belongs to other, third: send tenant_id"):
        await desk.sign_in(ADMIN.email, "same", None)

    assert (await desk.sign_in(ADMIN.email, "same", "third")).person.tenant_id == "third"


@pytest.fixture
def tick() -> Ticks:
    return Ticks()


def test_guessing_becomes_ever_slower(tick: Ticks) -> None:
    throttle = SignInThrottle(tick)
    for _ in range(5):
        throttle.enter("ann")

    with pytest.raises(Problem) as raised:
        throttle.enter("ann")
    tick.now += 1
    throttle.enter("ann")

    with pytest.raises(Problem, match="in 2 seconds"):
        throttle.enter("ann")
    assert raised.value.status == 429
    throttle.enter("bob")


def test_a_success_ends_the_waiting(tick: Ticks) -> None:
    throttle = SignInThrottle(tick)
    for _ in range(4):
        throttle.enter("ann")

    throttle.succeeded("ann")

    for _ in range(5):
        throttle.enter("ann")


def test_the_longest_wait_is_a_minute(tick: Ticks) -> None:
    throttle = SignInThrottle(tick)
    for _ in range(30):
        throttle.enter("ann")
        tick.now += 60

    throttle.enter("ann")


def test_the_published_keys_hold_nothing_private() -> None:
    (key,) = SIGNER.published()["keys"]

    assert {"kty", "crv", "x", "kid"} <= set(key)
    assert "d" not in key


async def test_a_token_of_another_key_is_refused() -> None:
    other = base64.b64encode(b"e" * 32).decode()
    forged, _ = TokenSigner(other, "trueup", timedelta(hours=1)).sign(
        Person("demo", "per_1", "Eve", Role.ADMIN), datetime.now(UTC)
    )

    with pytest.raises(Problem, match="not valid"):
        await TokenVerifier(AuthSettings(url=""), SIGNER).person(forged)
