"""What can be accepted, and the plans of those who accept many, in the document store."""

from collections.abc import Collection, Mapping

from matcher.catalogue.documents import has_word
from matcher.catalogue.item_walk import fits
from matcher.catalogue.items import VENDOR_KINDS, VendorItemRef
from matcher.catalogue.search import ItemQuery, StateFilter
from matcher.mappings.acceptance_models import AcceptableProposal, AcceptancePlan, AcceptQuery
from matcher.mappings.indexes import MAPPINGS, PLANS
from matcher.mappings.models import ItemDecision, MapTo, PsaItemRef
from matcher.proposals.suggestions import PROPOSALS
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod
from shared.mongo import Document, Mongo


class MongoAcceptances:
    """The proposals and plans of all tenants, read outside a unit of work."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def best_undecided(self, query: AcceptQuery) -> list[AcceptableProposal]:
        proposed = await self._proposed(query)
        items = await self._items(query, {_item_key(row) for row in proposed.values()})
        mappings = self._mongo.documents(MAPPINGS, query.tenant_id)
        rows = await mappings.find_in("_id", proposed, fields=["decision", "revision"])
        decided = {row["_id"]: row for row in rows}
        return [
            AcceptableProposal(
                VendorItemRef(query.tenant_id, query.kind, row["vendor_integration_id"], row["vendor_id"]),
                PsaItemRef(row["proposals"][0]["psa_integration_id"], row["proposals"][0]["psa_id"]),
                decided[key]["revision"] if key in decided else 0,
            )
            for key, row in sorted(proposed.items())
            if _item_key(row) in items
            and (key not in decided or decided[key]["decision"] == MappingDecision.REVOKED)
        ]

    async def mapped_from(
        self, tenant_id: str, kind: MappingKind, targets: Collection[PsaItemRef]
    ) -> set[tuple[str, PsaItemRef]]:
        where = {"kind": kind.value, "decision": MappingDecision.APPROVED.value}
        fields = ["vendor_integration_id", "psa_integration_id", "psa_id"]
        rows = await self._mongo.documents(MAPPINGS, tenant_id).find_in(
            "psa_id", {one.id for one in targets}, where=where, fields=fields
        )
        return {
            (row["vendor_integration_id"], PsaItemRef(row["psa_integration_id"], row["psa_id"]))
            for row in rows
        }

    async def plan(self, id_: str, tenant_id: str) -> AcceptancePlan | None:
        row = await self._mongo.documents(PLANS, tenant_id).get(id_)
        return _plan_from(row) if row else None

    async def record_plan(self, plan: AcceptancePlan, tenant_id: str) -> None:
        await self._mongo.documents(PLANS, tenant_id).insert_new([_plan_document(plan)])

    async def _proposed(self, query: AcceptQuery) -> dict[str, Document]:
        """Returns the rows whose best proposal is likely enough, by key."""
        filter_: Document = {"kind": query.kind.value, "is_empty": False}
        if query.vendor_integration_id:
            filter_["vendor_integration_id"] = query.vendor_integration_id
        fields = ["vendor_integration_id", "vendor_id", "proposals"]
        rows = await self._mongo.documents(PROPOSALS, query.tenant_id).find(filter_, fields=fields)
        return {
            row["_id"]: {**row, "tenant_id": query.tenant_id}
            for row in rows
            if row["proposals"][0]["probability_per_mille"] >= query.min_per_mille
        }

    async def _items(self, query: AcceptQuery, keys: Collection[str]) -> set[str]:
        """Returns the keys of those of the items that are present and that the filter is about."""
        kind = VENDOR_KINDS[query.kind]
        asked = ItemQuery(query.tenant_id, kind, query.search, query.vendor_integration_id, ids=query.ids)
        states = StateFilter((), since=query.since) if query.since else None
        where: Document = {"present": True}
        if query.search and asked.words:
            where["$and"] = [has_word(word) for word in asked.words]
        fields = ["integration_id", "item_id", "words", "first_seen_at"]
        rows = await self._mongo.documents(kind, query.tenant_id).find_in(
            "_id", keys, where=where, fields=fields
        )
        return {row["_id"] for row in rows if fits(asked, states, row)}


def _item_key(row: Mapping[str, str]) -> str:
    return key_of(row["tenant_id"], row["vendor_integration_id"], row["vendor_id"])


def _plan_document(plan: AcceptancePlan) -> Document:
    targets = [(one, one.choice.target) for one in plan.decisions if isinstance(one.choice, MapTo)]
    return {
        "_id": plan.id,
        "fingerprint": plan.fingerprint,
        "at": plan.at,
        "by": plan.decisions[0].by if plan.decisions else "",
        "decisions": [
            [
                one.item.kind.value,
                one.item.vendor_integration_id,
                one.item.vendor_id,
                target.integration_id,
                target.id,
                one.expected_revision,
            ]
            for one, target in targets
        ],
    }


def _plan_from(row: Document) -> AcceptancePlan:
    decisions = tuple(
        ItemDecision(
            VendorItemRef(row["tenant_id"], MappingKind(kind), vendor_integration_id, vendor_id),
            MapTo(PsaItemRef(psa_integration_id, psa_id), MappingMethod.PROPOSAL),
            row["by"],
            revision,
        )
        for kind, vendor_integration_id, vendor_id, psa_integration_id, psa_id, revision in row["decisions"]
    )
    return AcceptancePlan(row["_id"], row["fingerprint"], decisions, row["at"])
