"""The steps of the story, from credentials to written quantities; each returns what there is to print."""

# The steps rely on each other in this order:
#   connect → wait_for_discovery → map_manually → finish_mapping → review → approve_differences
# Approvals carry the seals that `review` was shown, so a number that changes in between is refused.

from dataclasses import dataclass, field
from typing import Any

from shared.errors import PermanentError
from standalone.demo.client import DemoClient, Json
from standalone.demo.failure import DemoFailure

PROVIDERS = ("ingram-micro", "connectwise")
TO_APPROVE = ("increase", "decrease", "last_seat_gone", "two_subscriptions")
TO_BE_REFUSED = ("without_quantity", "ambiguous")
_CONFLICT = 409


@dataclass(slots=True)
class DemoApproval:
    """One approval: the part of the scenario, the line as it was shown, and the approval's final state."""

    part: str
    line: Json
    outcome: Json


@dataclass(slots=True)
class DemoStory:
    """What the person knows: the scenario, and what has been done so far."""

    client: DemoClient
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
        """Connect both providers; auth checks the credentials of each before it saves them."""
        for provider in PROVIDERS:
            body = {"provider": provider, **credentials[provider]}
            self.integrations[provider] = await self.client.request("POST", "auth", "/integrations", body)

    async def wait_for_discovery(self) -> dict[str, int]:
        """Wait for the first runs and what maps by itself after them; return how much appeared by itself."""
        await self.client.wait_for_sync({self.vendor_id, self.psa_id})
        # Equal names are mapped once both runs have ended, and the end is told before that.
        exact = [account for account in self.scenario["accounts"] if account["how"] == "exact"]
        await self.client.wait_for_mappings({str(account["vendor_id"]) for account in exact})
        lists = {
            "vendor accounts": ("/accounts?side=vendor", "accounts"),
            "vendor services": ("/services", "services"),
            "PSA accounts": ("/accounts?side=psa", "accounts"),
            "PSA products": ("/products", "products"),
        }
        return {what: len(await self.client.list_all("matcher", *where)) for what, where in lists.items()}

    async def count_mappings(self) -> dict[str, int]:
        """Return how many mappings are in force, by kind, decision and method."""
        counts: dict[str, int] = {}
        for mapping in await self.client.list_all("matcher", "/mappings", "mappings"):
            if mapping["decision"] != "revoked":
                name = f"{mapping['kind']} {mapping['decision']} {mapping['method']}"
                counts[name] = counts.get(name, 0) + 1
        return counts

    async def map_manually(self) -> dict[str, list[str]]:
        """Decide what the exact rules left open, as the scenario says; return the decisions by kind."""
        services = await self.client.list_all("matcher", "/services", "services")
        decided = {
            "accounts": [
                await self._decide(
                    f"/mappings/account/{self.vendor_id}/{account['vendor_id']}",
                    account,
                    account["vendor_name"],
                    account["psa_id"],
                )
                for account in self.scenario["accounts"]
            ],
            "services": [
                await self._decide_service(expected, services) for expected in self.scenario["services"]
            ],
        }
        return {kind: [line for line in lines if line] for kind, lines in decided.items()}

    async def finish_mapping(self) -> str:
        """Finish the mapping and return the id of the sync that this starts."""
        integrations = {"vendor_integration_id": self.vendor_id, "psa_integration_id": self.psa_id}
        answer = await self.client.request("POST", "matcher", "/finish", integrations)
        return str(answer["finish_id"])

    async def review(self) -> list[Json]:
        """Read all usage lines and remember them for the approvals."""
        self.lines = await self.client.list_all("billing", "/usage", "lines")
        return self.lines

    async def approve_differences(self) -> None:
        """Approve the scenario's differences on the seals that were shown, and wait for the PSA's answers."""
        approvals = []
        # All are approved before the first answer is waited for: they must not need each other.
        for part in TO_APPROVE:
            line = self.line_of(part)
            approvals.append((part, line, await self.client.approve(line)))
        for part, line, approval in approvals:
            outcome = await self.client.wait_for_approval(approval["approval_id"])
            self.approved.append(DemoApproval(part, line, outcome))

    async def attempt_refused_approvals(self) -> list[tuple[str, str]]:
        """Try to approve a line without a number and an ambiguous one; return each with the refusal's reason.

        Raises `PermanentError` when one is approved after all.
        """
        return [(part, await self._refusal(part)) for part in TO_BE_REFUSED]

    def line_of(self, part: str) -> Json:
        """Return the reviewed usage line of a part; raises `LookupError` when there is none."""
        expected = self.scenario["parts"][part]
        target = (str(expected["psa_account_id"]), str(expected["psa_product_id"]))
        for line in self.lines:
            if (line["psa_account_id"], line["psa_product_id"]) == target:
                return line
        raise LookupError(f"no usage line for the part {part} (PSA account and product {target})")

    async def _refusal(self, part: str) -> str:
        try:
            await self.client.approve(self.line_of(part))
        except DemoFailure as error:
            if error.status != _CONFLICT:
                raise
            return str(error.document.get("detail"))
        raise PermanentError(f"the line {part.replace('_', ' ')} was approved, and must not be")

    async def _decide_service(self, expected: Json, services: list[Json]) -> str | None:
        matching = [service for service in services if _is_same_service(service, expected)]
        if not matching or expected["how"] == "exact":
            return None
        path = f"/mappings/service/{self.vendor_id}/{matching[0]['id']}"
        return await self._decide(path, expected, matching[0]["name"], expected["psa_product_id"])

    async def _decide(self, path: str, expected: Json, name: str, psa_id: Any) -> str | None:
        match expected["how"]:
            case "by-hand":
                body = {"psa_integration_id": self.psa_id, "psa_id": str(psa_id)}
                mapping = await self.client.request("PUT", "matcher", path, body)
                return f"{name} → {mapping['psa_name']}"
            case "excluded":
                reason = "internal to the marketplace, not billed"
                await self.client.request("PUT", "matcher", path, {"excluded": True, "reason": reason})
                return f"{name} left out ({reason})"
        return None


def _is_same_service(service: Json, expected: Json) -> bool:
    if any(service[name] != expected[name] for name in ("term", "billing_period")):
        return False
    # A subscription without products has no part number: its service is known by its name alone.
    if expected["mpn"]:
        return bool(service["mpn"] == expected["mpn"])
    return bool(expected["name"] in service["name"])
