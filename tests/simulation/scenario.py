"""How a simulation begins: who buys and is billed what, and what auth and matcher said."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from random import Random

from shared.contracts import Message
from shared.contracts.auth import IntegrationChanged, IntegrationConnected, IntegrationStatus
from shared.contracts.base import Side, service_id_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.kafka import envelope_of
from tests.simulation.log import Log
from tests.simulation.process import EPOCH
from tests.simulation.world import PSA, TENANT, VENDOR, BilledFacts, Offer, Subscription, Timeline, World

OFFERS = (Offer("mpn-1", "p1"), Offer("mpn-2", "p1"), Offer("mpn-3", "p2"), Offer("mpn-4", None))
COMPANIES, PRODUCTS = ("co1", "co2", "co3", "co4"), ("p1", "p2", "p9")
COMPANY_OF = {"a1": "co1", "a2": "co1", "a3": "co2", "a4": "co3", "a5": None}
"""`co4` is mapped to nobody, and `a5` to nothing; `p9` no service is mapped to."""
CONSERVED = (("co1", "p1"), ("co2", "p1"))
_REALM = {VENDOR: ("ingram-micro", "na"), PSA: ("connectwise", "main")}


def begin(world: World, random: Random) -> None:
    """Fills the world."""
    world.company_of, world.offers = dict(COMPANY_OF), list(OFFERS)
    world.mappings = Timeline(dict(COMPANY_OF))
    world.companies, world.products = list(COMPANIES), list(PRODUCTS)
    for account in COMPANY_OF:
        for _ in range(random.randint(2, 4)):
            number = world.next_number()
            offer = random.choice(OFFERS)
            world.put(Subscription(f"s{number}", account, offer, random.randint(1, 20), number=number))
    for company in COMPANIES:
        for product in random.sample(PRODUCTS, random.randint(1, 3)):
            line_id, quantity = f"l{world.next_number()}", Decimal(random.randint(0, 20))
            world.put(BilledFacts(line_id, f"ag-{company}", company, product, quantity))
    for target in CONSERVED:
        world.conserve(target)


def announce(log: Log) -> None:
    """Says what auth and matcher would: both sides are connected, and mapped."""
    for message in _messages():
        _append(log, message)


def announce_mappings(world: World, log: Log) -> None:
    """Says from now on what the matcher would when a person maps an account anew."""
    revisions = count(2)

    def say(account: str, company: str | None) -> None:
        _append(log, _mapping(MappingKind.ACCOUNT, account, company, next(revisions)))

    world.on_mapped = say


def _append(log: Log, message: Message) -> None:
    envelope = envelope_of(message, source="simulation")
    log.append(envelope.topic, envelope.key.encode(), envelope.body, envelope.headers)


def _messages() -> Iterator[Message]:
    for integration_id, (provider, realm) in _REALM.items():
        known = {
            "tenant_id": TENANT,
            "integration_id": integration_id,
            "side": Side.VENDOR if integration_id == VENDOR else Side.PSA,
            "provider": provider,
            "realm": realm,
            "name": integration_id,
            "generation": 1,
        }
        yield IntegrationChanged.model_validate(known | {"revision": 1, "status": IntegrationStatus.ACTIVE})
        yield IntegrationConnected.model_validate(known | {"connected_at": EPOCH})
    for account, company in COMPANY_OF.items():
        if company:
            yield _mapping(MappingKind.ACCOUNT, account, company)
    for offer in OFFERS:
        if offer.product:
            service_id = service_id_of(VENDOR, offer.service_key)
            yield _mapping(MappingKind.SERVICE, service_id, offer.product)


def _mapping(kind: MappingKind, vendor_id: str, psa_id: str | None, revision: int = 1) -> MappingDecided:
    """The decision on a vendor item; without a PSA item its mapping is revoked."""
    return MappingDecided(
        tenant_id=TENANT,
        revision=revision,
        kind=kind,
        vendor_provider=_REALM[VENDOR][0],
        vendor_realm=_REALM[VENDOR][1],
        vendor_integration_id=VENDOR,
        vendor_id=vendor_id,
        psa_provider=_REALM[PSA][0] if psa_id else None,
        psa_realm=_REALM[PSA][1] if psa_id else None,
        psa_integration_id=PSA if psa_id else None,
        psa_id=psa_id,
        decision=MappingDecision.APPROVED if psa_id else MappingDecision.REVOKED,
        method=MappingMethod.MANUAL,
        decided_by="ann",
        decided_at=EPOCH,
    )
