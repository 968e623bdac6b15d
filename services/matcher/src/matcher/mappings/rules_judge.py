"""Judges the rules of a mapped service, before the decision that carries them is written."""

# Invariant: what a person decides leaves no service in a bundle whose source is mapped to another product, or
# is part of a bundle itself; so each bundle has one source, whose number is counted:
#
#   s1 → p9   s2 → p9, included in s1     s2: refused if it were mapped to p8, or s1 included in s3
#                                         s1: neither revoked nor mapped to p8 while s2 is included in it
#
# Only the exact rule can still take the mapping of a source back, where its name became ambiguous before
# mapping was finished: what is included in it has no verdict then, and says so.

from collections.abc import Sequence

from matcher.catalogue.items import IntegrationInfo, ItemKind
from matcher.mappings.decisions import PsaMatch, mapping_key
from matcher.mappings.models import ChosenItemMissing, DecisionRefusal, DecisionRefused
from matcher.mappings.ports import RulesUnit
from shared.contracts.base import key_of
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind
from shared.errors import RuleBroken

_NAMED = 5
"""So many are named in a sentence; the others are counted."""


class RulesJudge:
    """Judges decisions on one vendor item, on which `existing` stands."""

    def __init__(self, unit: RulesUnit, vendor: IntegrationInfo, existing: MappingDecided | None) -> None:
        self._unit, self._vendor, self._existing = unit, vendor, existing

    async def require(self, mapping: MappingDecided, target: PsaMatch | None) -> None:
        """Raises `DecisionRefused`, `ChosenItemMissing` or `RuleBroken` for what cannot be kept to."""
        if rules := mapping.rules:
            if mapping.kind is not MappingKind.SERVICE or target is None:
                raise RuleBroken("only a mapped service has a quantity: leave `rules` out")
            self._require_other_parts(mapping, rules)
            await self._require_products(target.integration, rules)
            await self._require_accounts(rules)
            if rules.included_in:
                await self._require_source(mapping, rules.included_in)
        if mapping.kind is MappingKind.SERVICE:
            await self._require_kept_bundle(mapping)

    def _require_other_parts(self, mapping: MappingDecided, rules: MappingRules) -> None:
        if mapping.psa_id in {part.psa_id for part in rules.split}:
            raise self._refused(
                f"PSA product {mapping.psa_id} is what the service is mapped to, and gets what the split"
                " leaves: name other products as its parts"
            )

    async def _require_products(self, psa: IntegrationInfo, rules: MappingRules) -> None:
        keys = {key_of(psa.tenant_id, psa.integration_id, id_): id_ for id_ in sorted(rules.product_ids)}
        found = await self._unit.items(ItemKind.PSA_PRODUCTS, keys) if keys else []
        if missing := [id_ for key, id_ in keys.items() if key not in {item.key for item in found}]:
            raise ChosenItemMissing(
                f"there is no PSA product {missing[0]} in integration {psa.integration_id}, which the rules"
                " name: choose another, or send other `rules`",
                self._existing,
            )
        for item in found:
            if not item.usable:
                state = "inactive" if item.present else "gone"
                raise self._refused(
                    f"PSA product {item.id} ({item.name}), which the rules name, is {state}: choose an active"
                    " one, or send other `rules`"
                )

    async def _require_accounts(self, rules: MappingRules) -> None:
        vendor, ids = self._vendor, {one.vendor_account_id for one in rules.overrides}
        keys = {key_of(vendor.tenant_id, vendor.integration_id, id_): id_ for id_ in sorted(ids)}
        found = await self._unit.items(ItemKind.VENDOR_ACCOUNTS, keys) if keys else []
        if missing := [id_ for key, id_ in keys.items() if key not in {item.key for item in found}]:
            raise ChosenItemMissing(
                f"there is no vendor account {missing[0]} in integration {vendor.integration_id}, for which"
                " the rules name a product",
                self._existing,
            )

    async def _require_source(self, mapping: MappingDecided, source_id: str) -> None:
        """The source is mapped to the same product, and in no bundle itself."""
        named = f"vendor service {source_id}"
        if source_id == mapping.vendor_id:
            raise self._refused(f"{named} cannot be included in itself: name the service that stands for all")
        key = mapping_key(self._vendor, MappingKind.SERVICE, source_id)
        source = (await self._unit.mappings([key])).get(key)
        if source is None or source.decision is not MappingDecision.APPROVED:
            raise self._refused(f"{named} is not mapped: map it to PSA product {mapping.psa_id} first")
        if not _same_target(mapping, source):
            raise self._refused(
                f"{named} is mapped to PSA product {source.psa_id}, and this service to {mapping.psa_id}: a"
                " bundle is billed as one product; map both to one, or send other `rules`"
            )
        if source.rules and source.rules.included_in:
            raise self._refused(f"{named} is included in {source.rules.included_in} itself: name that one")

    async def _require_kept_bundle(self, mapping: MappingDecided) -> None:
        """What others are included in stays mapped as it is, and is included in nothing."""
        existing, becomes_included = self._existing, bool(mapping.rules and mapping.rules.included_in)
        stood = existing is not None and existing.decision is MappingDecision.APPROVED
        if existing is None or not (becomes_included or (stood and not _same_target(mapping, existing))):
            return
        if included := await self._unit.included_services(mapping):
            sentence = f"vendor service {mapping.vendor_id} is the source of a bundle, with {_ids(included)}"
            raise self._refused(f"{sentence}: take these out of it first", DecisionRefusal.SOURCE_OF_BUNDLE)

    def _refused(
        self, sentence: str, refusal: DecisionRefusal = DecisionRefusal.RULES_REFUSED
    ) -> DecisionRefused:
        return DecisionRefused(sentence, refusal, self._existing)


def _same_target(one: MappingDecided, other: MappingDecided) -> bool:
    ends = other.decision, other.psa_integration_id, other.psa_id
    return (one.decision, one.psa_integration_id, one.psa_id) == ends


def _ids(included: Sequence[MappingDecided]) -> str:
    named = ", ".join(one.vendor_id for one in included[:_NAMED])
    return f"{named} and {len(included) - _NAMED} more" if len(included) > _NAMED else named
