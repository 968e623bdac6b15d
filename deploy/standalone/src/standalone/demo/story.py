"""The story's steps, from credentials to a proven write; each returns what there is to tell of it."""

from dataclasses import dataclass, field
from typing import Any

from shared.errors import PermanentError
from standalone.demo.client import DemoClient, Json
from standalone.demo.failure import DemoFailure

PROVIDERS = ("ingram-micro", "connectwise")
TO_APPROVE = ("increase", "decrease", "last_seat_gone", "two_subscriptions")
NOT_TO_APPROVE = ("without_quantity", "ambiguous")
_NOT_APPROVED = 409


@dataclass(slots=True)
class DemoApproval:
    """One approval and what became of it."""

    part: str
    line: Json
    outcome: Json


@dataclass(slots=True)
class DemoStory:
    """What the person at the desk knows: the scenario, and what has been done so far."""

    desk: DemoClient
    scenario: Json
    integrations: dict[str, Json] = field(default_factory=dict)
    lines: list[Json] = field(default_factory=list)
    approved: list[DemoApproval] = field(default_factory=list)

    @property
    def vendor_id(self) -> str:
        return str(self.integrations["ingram-micro"]["integration_id"])

    @property
    def psa_id(self) -> str:
        return str(self.integrations["connectwise"]["integration_id"])

    async def connect(self, credentials: Json) -> None:
        """Both providers, each checked live before it is saved."""
        for provider in PROVIDERS:
            body = {"provider": provider, **credentials[provider]}
            self.integrations[provider] = await self.desk.ask("POST", "auth", "/integrations", body)

    async def discovered(self) -> dict[str, int]:
        """Accounts and services generate themselves; returns how many there are of each."""
        await self.desk.synced({self.vendor_id, self.psa_id})
        lists = {
            "vendor accounts": ("/accounts?side=vendor", "accounts"),
            "vendor services": ("/services", "services"),
            "PSA accounts": ("/accounts?side=psa", "accounts"),
            "PSA products": ("/products", "products"),
        }
        return {what: len(await self.desk.all("matcher", *where)) for what, where in lists.items()}

    async def mapped(self) -> dict[str, int]:
        """How many mappings stand, by kind and method."""
        counts: dict[str, int] = {}
        for mapping in await self.desk.all("matcher", "/mappings", "mappings"):
            if mapping["decision"] != "revoked":
                name = f"{mapping['kind']} {mapping['decision']} {mapping['method']}"
                counts[name] = counts.get(name, 0) + 1
        return counts

    async def map_by_hand(self) -> dict[str, list[str]]:
        """What the exact match left over, as the person who knows the customers decides it."""
        services = await self.desk.all("matcher", "/services", "services")
        told = {
            "accounts": [await self._decide_account(account) for account in self.scenario["accounts"]],
            "services": [await self._decide_service(known, services) for known in self.scenario["services"]],
        }
        return {kind: [line for line in lines if line] for kind, lines in told.items()}

    async def finish(self) -> str:
        """Returns the id of the sync that it starts."""
        ends = {"vendor_integration_id": self.vendor_id, "psa_integration_id": self.psa_id}
        answer = await self.desk.ask("POST", "matcher", "/finish", ends)
        return str(answer["finish_id"])

    async def review(self) -> list[Json]:
        self.lines = await self.desk.all("billing", "/usage", "lines")
        return self.lines

    async def approve(self) -> None:
        """The selected differences, on the seals that were shown."""
        given = []
        for part in TO_APPROVE:
            line = self.line_of(part)
            given.append((part, line, await self.desk.approve(line)))
        for part, line, approval in given:
            outcome = await self.desk.settled(approval["approval_id"])
            self.approved.append(DemoApproval(part, line, outcome))

    async def try_what_cannot_be(self) -> list[tuple[str, str]]:
        """A line without a number and an ambiguous one are refused; returns each with the reason given.

        Raises `PermanentError` when one is approved after all.
        """
        return [(part, await self._refusal(part)) for part in NOT_TO_APPROVE]

    def line_of(self, part: str) -> Json:
        known = self.scenario["parts"][part]
        wanted = (str(known["psa_account_id"]), str(known["psa_product_id"]))
        for line in self.lines:
            if (line["psa_account_id"], line["psa_product_id"]) == wanted:
                return line
        raise LookupError(f"no usage line for the part {part} (PSA account and product {wanted})")

    async def _refusal(self, part: str) -> str:
        try:
            await self.desk.approve(self.line_of(part))
        except DemoFailure as error:
            if error.status != _NOT_APPROVED:
                raise
            return str(error.document.get("detail"))
        raise PermanentError(f"the line {part.replace('_', ' ')} was approved, and must not be")

    async def _decide_account(self, account: Json) -> str | None:
        where = f"/mappings/account/{self.vendor_id}/{account['vendor_id']}"
        return await self._decide(where, account, account["vendor_name"], account["psa_id"])

    async def _decide_service(self, known: Json, services: list[Json]) -> str | None:
        found = [service for service in services if _same(service, known)]
        if not found or known["how"] == "exact":
            return None
        where = f"/mappings/service/{self.vendor_id}/{found[0]['id']}"
        return await self._decide(where, known, found[0]["name"], known["psa_product_id"])

    async def _decide(self, where: str, known: Json, name: str, psa_id: Any) -> str | None:
        match known["how"]:
            case "by-hand":
                body = {"psa_integration_id": self.psa_id, "psa_id": str(psa_id)}
                mapping = await self.desk.ask("PUT", "matcher", where, body)
                return f"{name} → {mapping['psa_name']}"
            case "excluded":
                reason = "internal to the marketplace, not billed"
                await self.desk.ask("PUT", "matcher", where, {"excluded": True, "reason": reason})
                return f"{name} left out ({reason})"
        return None


def _same(service: Json, known: Json) -> bool:
    same_terms = all(service[name] == known[name] for name in ("term", "billing_period"))
    return bool(
        same_terms and (service["mpn"] == known["mpn"] if known["mpn"] else known["name"] in service["name"])
    )
