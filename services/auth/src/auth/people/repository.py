"""Stores tenants and people."""

from collections.abc import Sequence

from auth.people.models import MOST_MEMBERS, Member, Tenant
from shared.contracts.base import key_of
from shared.mongo import Mongo
from shared.web.person import Role


class PeopleRepository:
    """The collections `tenants` and `people`; one e-mail address may belong to members of several tenants."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def save_tenants(self, tenants: Sequence[Tenant]) -> None:
        for tenant in tenants:
            row = {"_id": tenant.id} | tenant.model_dump(mode="json", exclude={"id"})
            await self._mongo.documents("tenants", tenant.id).put(row)

    async def save(self, member: Member) -> None:
        row = {
            "_id": key_of(member.tenant_id, member.email),
            "email": member.email,
            "name": member.name,
            "role": member.role.name.lower(),
            "password_hash": member.password_hash,
        }
        await self._mongo.documents("people", member.tenant_id).put(row)

    async def find(self, email: str, tenant_id: str | None) -> Sequence[Member]:
        """Returns the members with this address, by tenant."""
        # The one search across tenants: before somebody has signed in, their tenant is not known.
        people = (
            self._mongo.documents("people", tenant_id) if tenant_id else self._mongo.all_tenants("people")
        )
        rows = await people.find({"email": email}, sort=[("tenant_id", 1)], limit=MOST_MEMBERS)
        return [
            Member(
                row["tenant_id"],
                row["email"],
                row["name"],
                Role[row["role"].upper()],
                row["password_hash"],
            )
            for row in rows
        ]
