from auth.people.models import Member
from auth.people.repository import PeopleRepository
from shared.mongo import Mongo
from shared.web.person import Role


async def test_people_are_found_by_address_in_one_tenant_or_in_all(mongo: Mongo) -> None:
    people = PeopleRepository(mongo)
    for tenant_id in ("demo", "other"):
        await people.save(Member(tenant_id, "ann@x.example", "Ann", Role.MAPPER, "hash"))

    assert [member.tenant_id for member in await people.find("ann@x.example", None)] == ["demo", "other"]
    assert [member.tenant_id for member in await people.find("ann@x.example", "other")] == ["other"]
    assert await people.find("bob@x.example", None) == []
