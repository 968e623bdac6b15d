"""The control API: what a test or a demonstration may know and change, without credentials."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Request
from pydantic import ValidationError

from sandbox import changes
from sandbox.changes import Changes
from sandbox.connectwise.errors import ConnectWiseRefusal as PsaRefused
from sandbox.connectwise.psa import shown_addition
from sandbox.ingram.errors import IngramRefusal as VendorRefused
from sandbox.ingram.records import customer_row, subscription_detail
from sandbox.story.script import scenario
from sandbox.switches import CONNECTWISE, INGRAM
from sandbox.world import World

Json = dict[str, Any]
router = APIRouter(prefix="/_sandbox")


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


Here = Annotated[World, Depends(_world)]


@router.get("/credentials")
async def credentials(world: Here, request: Request) -> Json:
    """What to type into the forms; addresses are those that this request came to."""
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
async def the_scenario(world: Here) -> Json:
    return scenario(world.story)


@router.post("/month-passes")
async def month_passes(world: Here) -> Json:
    """Let the scripted month pass at the vendor; a second call changes nothing."""
    return {"changed": world.month.passes(world.today)}


@router.post("/changes")
async def change(world: Here, wanted: Changes) -> Json:
    """Change either side as somebody else would; all of it or, with an unknown id or value, none of it."""
    try:
        return {"added_subscriptions": changes.apply(wanted, world.marketplace, world.psa, world.today)}
    except (PsaRefused, VendorRefused) as refusal:
        raise HTTPException(422, dict(refusal.body)) from refusal


@router.get("/calls")
async def calls(world: Here, after: int = 0, provider: str | None = None) -> Json:
    """Calls to the providers, newer than number `after`; the counts are of all calls ever made."""
    journal = world.journal
    return {
        "calls": [asdict(call) for call in journal.calls(after, provider)],
        "counts": {name: journal.counts[name] for name in (INGRAM, CONNECTWISE)},
        "last": journal.last,
    }


@router.get("/writes")
async def writes(world: Here) -> Json:
    """Every field that a caller asked to change, effective or not."""
    return {"writes": [asdict(write) for write in world.journal.writes]}


@router.get("/state")
async def state(world: Here, provider: str | None = None) -> Json:
    """Everything that either provider knows, as its own API shows it."""
    sides = {INGRAM: _vendor_state, CONNECTWISE: _psa_state}
    return {name: side(world) for name, side in sides.items() if provider in (None, name)}


@router.get("/additions")
async def additions(world: Here) -> list[Json]:
    """Every agreement line in a flat list."""
    return [_flat(row, world) for row in world.psa.additions]


@router.get("/switches")
async def switches(world: Here) -> Json:
    return world.switches.now.named()


@router.put("/switches")
async def switch(world: Here, wanted: Annotated[Json, Body()]) -> Json:
    """Set the named switches and leave the others; null puts one back to its default."""
    try:
        world.switches.put(wanted)
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from error
    if world.switches.release_token_button():
        world.marketplace.tokens.kill()
    return world.switches.now.named()


def _vendor_state(world: World) -> Json:
    return {
        "customers": [customer_row(one) for one in world.marketplace.customers.values()],
        "subscriptions": [subscription_detail(one) for one in world.marketplace.subscriptions.values()],
    }


def _psa_state(world: World) -> Json:
    psa = world.psa
    return {
        "companies": list(psa.companies),
        "products": list(psa.products),
        "agreements": list(psa.agreements),
        "additions": [shown_addition(row, psa) for row in psa.additions],
    }


def _flat(row: Json, world: World) -> Json:
    agreement = world.psa.agreements.get(row["agreementId"]) or {}
    return {
        "id": row["id"],
        "agreement_id": row["agreementId"],
        "company_id": agreement["company"]["id"],
        "product_id": row["product"]["id"],
        "quantity": row.get("quantity"),
    }
