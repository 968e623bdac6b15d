"""The control API: what a test or a demonstration may read and change, without credentials."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Request
from pydantic import ValidationError

from sandbox import changes
from sandbox.changes import Changes
from sandbox.connectwise.errors import ConnectWiseRefusal
from sandbox.connectwise.psa import render_addition
from sandbox.ingram.errors import IngramRefusal
from sandbox.ingram.records import customer_row, subscription_detail
from sandbox.story.script import describe
from sandbox.switches import CONNECTWISE, INGRAM
from sandbox.world import World

Json = dict[str, Any]
router = APIRouter(prefix="/_sandbox")


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


CurrentWorld = Annotated[World, Depends(_world)]


@router.get("/credentials")
async def credentials(world: CurrentWorld, request: Request) -> Json:
    """What to type into the forms; addresses are the one that this request came to."""
    origin = f"{request.url.scheme}://{request.url.netloc}"
    identity = world.identity
    return {
        INGRAM: {
            "base_url": f"{origin}/marketplace/na",
            "marketplace": identity.marketplace,
            "subscription_key": identity.subscription_key,
            "username": identity.username,
            "password": identity.password,
        },
        CONNECTWISE: {
            "host": origin,
            "company": identity.company,
            "public_key": identity.public_key,
            "private_key": identity.private_key,
            "client_id": identity.client_id,
        },
    }


@router.get("/scenario")
async def scenario(world: CurrentWorld) -> Json:
    """How accounts and services are mapped, and which lines are to be approved or refused."""
    return describe(world.story)


@router.post("/month-passes")
async def month_passes(world: CurrentWorld) -> Json:
    """Apply the scripted month at the vendor; a second call changes nothing."""
    return {"changed": world.month.apply_once(world.today)}


@router.post("/changes")
async def change(world: CurrentWorld, requested: Changes) -> Json:
    """Change either side as somebody else would; with an unknown id or value nothing changes."""
    try:
        return {"added_subscriptions": changes.apply(requested, world.marketplace, world.psa, world.today)}
    except (ConnectWiseRefusal, IngramRefusal) as refusal:
        raise HTTPException(422, dict(refusal.body)) from refusal


@router.get("/calls")
async def calls(world: CurrentWorld, after: int = 0, provider: str | None = None) -> Json:
    """Calls to the providers, newer than number `after`; the counts are of all calls ever made."""
    journal = world.journal
    return {
        "calls": [asdict(call) for call in journal.calls(after, provider)],
        "counts": {name: journal.counts[name] for name in (INGRAM, CONNECTWISE)},
        "last": journal.last,
    }


@router.get("/writes")
async def writes(world: CurrentWorld) -> Json:
    """Every field that a caller asked to change, effective or not."""
    return {"writes": [asdict(write) for write in world.journal.writes]}


@router.get("/state")
async def state(world: CurrentWorld, provider: str | None = None) -> Json:
    """Everything that either provider has stored, as its own API shows it."""
    states: Json = {}
    if provider in (None, INGRAM):
        states[INGRAM] = {
            "customers": [customer_row(customer) for customer in world.marketplace.customers.values()],
            "subscriptions": [
                subscription_detail(subscription) for subscription in world.marketplace.subscriptions.values()
            ],
        }
    if provider in (None, CONNECTWISE):
        psa = world.psa
        states[CONNECTWISE] = {
            "companies": list(psa.companies),
            "products": list(psa.products),
            "agreements": list(psa.agreements),
            "additions": [render_addition(row, psa) for row in psa.additions],
        }
    return states


@router.get("/additions")
async def additions(world: CurrentWorld) -> list[Json]:
    """Every agreement line in a flat list."""
    return [_flat_addition(row, world) for row in world.psa.additions]


@router.get("/switches")
async def switches(world: CurrentWorld) -> Json:
    return world.switches.current.to_json()


@router.put("/switches")
async def switch(world: CurrentWorld, requested: Annotated[Json, Body()]) -> Json:
    """Set the named switches and leave the others; null puts one back to its default."""
    try:
        world.switches.change(requested)
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from error
    if world.switches.take_token_revocation():
        world.marketplace.tokens.revoke_all()
    return world.switches.current.to_json()


def _flat_addition(row: Json, world: World) -> Json:
    agreement = world.psa.agreements.get(row["agreementId"]) or {}
    return {
        "id": row["id"],
        "agreement_id": row["agreementId"],
        "company_id": agreement["company"]["id"],
        "product_id": row["product"]["id"],
        "quantity": row.get("quantity"),
    }
