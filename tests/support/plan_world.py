"""Plans and versions on a real store, over HTTP and by their use cases, for tests that tell a story."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_http import MatcherClient
from people import signed_in

from matcher.mapping_plans.application import PlanApplier
from matcher.mapping_plans.imports import ImportRequest, ImportService
from matcher.mapping_plans.models import ApplyRequest, MappingPlan, PlanRow
from matcher.mapping_plans.relinks import RelinkService
from matcher.mapping_plans.repository import MongoPlans, MongoPlanStore
from matcher.mapping_plans.versions import VersionService
from matcher.mappings.repository import MongoMappingStore
from shared.contracts.matcher import MappingDecided
from shared.mongo import Mongo
from shared.web.person import Role

HEAD = "kind,decision,vendor_id,psa_id,reason\r\n"


@dataclass
class PlanWorld:
    """A matcher whose plans a test makes and applies by itself."""

    client: MatcherClient
    mongo: Mongo
    ids: int = 0
    keys: int = field(default=0)

    def __post_init__(self) -> None:
        store = self.client.world.store
        assert isinstance(store, MongoMappingStore)
        self.mappings, self.plans = store, MongoPlans(self.mongo)
        self.store = MongoPlanStore(self.mongo, store)
        self.applier = PlanApplier(self.store, self.clock, self.new_id)
        self.imports = ImportService(self.plans, self.clock, self.new_id)
        self.versions = VersionService(self.plans, self.store, self.clock, self.new_id)
        self.relinks = RelinkService(self.plans, self.client.world.engine, self.clock, self.new_id)

    def clock(self) -> Any:
        """Returns a moment a second after the last one."""
        self.client.world.now += timedelta(seconds=1)
        return self.client.world.now

    def new_id(self, prefix: str = "id") -> str:
        self.ids += 1
        return f"{prefix}_{self.ids:06}"

    async def know(
        self, vendor: Sequence[str] = ("1", "2", "3"), psa: Sequence[str] = ("7", "8", "9")
    ) -> None:
        """Observe accounts of both sides, none of which has the name of another."""
        accounts = [a_vendor_account(id_, f"Customer {id_}") for id_ in vendor]
        companies = [a_psa_account(id_, f"Company {id_}") for id_ in psa]
        await self.client.world.receive(an_integration(), a_psa(), *accounts, *companies)

    async def plan(self, text: str | bytes, *, is_json: bool = False, complete: bool = False) -> MappingPlan:
        """Make a plan of a file."""
        content = text.encode() if isinstance(text, str) else text
        request = ImportRequest("demo", "ann", "file.csv", is_json, complete)
        return await self.imports.plan(request, io.BytesIO(content))

    async def rows(self, plan: MappingPlan) -> list[PlanRow]:
        return await self.plans.rows(plan.tenant_id, plan.id, after=0, limit=1_000)

    async def apply(self, plan: MappingPlan, *, by: str = "ann", **more: Any) -> MappingPlan:
        """Apply a plan as it is, with a new key, and to its end."""
        self.keys += 1
        fields: dict[str, Any] = {
            "tenant_id": plan.tenant_id,
            "plan_id": plan.id,
            "by": by,
            "idempotency_key": f"key {self.keys}",
            "digest": plan.digest,
            "expected_count": plan.counts.applicable,
        }
        begun = await self.applier.apply(ApplyRequest(**fields | more))
        while await self.applier.process_next():
            pass
        return await self.plans.plan(begun.tenant_id, begun.id)

    async def import_all(self, text: str) -> MappingPlan:
        return await self.apply(await self.plan(text))

    async def decisions(self) -> dict[str, str]:
        """By vendor id, what a reader of the topic believes: the PSA id, or the decision without one."""
        newest = await self.client.world.newest_mappings()
        return {id_: one.psa_id or one.decision.value for id_, one in newest.items()}

    async def newest(self, vendor_id: str) -> MappingDecided:
        return (await self.client.world.newest_mappings())[vendor_id]

    async def send_file(
        self,
        content: bytes,
        media_type: str = "text/csv",
        *,
        role: Role = Role.MAPPER,
        tenant_id: str = "demo",
        **parameters: Any,
    ) -> httpx.Response:
        headers = signed_in(role, tenant_id) | {"Content-Type": media_type}
        return await self.client.http.post(
            "/mappings/import", params=parameters, content=content, headers=headers
        )

    async def export(self, **parameters: Any) -> httpx.Response:
        headers = signed_in(Role.VIEWER, "demo")
        return await self.client.http.get("/mappings/export", params=parameters, headers=headers)


def accounts(*rows: tuple[str, str]) -> str:
    """Returns a file that maps vendor accounts to companies."""
    return HEAD + "".join(f"account,approved,{vendor},{psa},\r\n" for vendor, psa in rows)
