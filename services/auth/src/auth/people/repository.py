"""Tenants and people."""

from collections.abc import Sequence
from typing import Any

from auth.people.models import Member, Tenant
from shared.contracts.base import key_of
from shared.mongo import Mongo
from shared.web.person import Role


class MongoPeople:
    """Local accounts; an e-mail address may belong to people of several tenants."""

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

    async def known(self, email: str, tenant_id: str | None) -> list[Member]:
        """Everybody with the address. Before sign-in nobody has a tenant yet, so all may be searched."""
        documents = (
            self._mongo.documents("people", tenant_id) if tenant_id else self._mongo.all_tenants("people")
        )
        return [
            _member(row) for row in await documents.find({"email": email}, sort=[("tenant_id", 1)], limit=5)
        ]


def _member(row: dict[str, Any]) -> Member:
    role = Role[row["role"].upper()]
    return Member(row["tenant_id"], row["email"], row["name"], role, row["password_hash"])
