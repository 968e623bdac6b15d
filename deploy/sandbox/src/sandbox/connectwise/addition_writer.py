"""Writes to agreement lines, with what the switches make of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock
from sandbox.connectwise import patch
from sandbox.connectwise.errors import ConnectWiseRefusal, invalid
from sandbox.connectwise.fields import ADDITION, Record
from sandbox.connectwise.psa import PsaState
from sandbox.cuts import ConnectionCut
from sandbox.journal import Journal, RecordedChange
from sandbox.switches import PatchPaths, Switchboard, WriteBehaviour

API_MEMBER = "apiMember"
EFFECTIVE = (WriteBehaviour.APPLIED, WriteBehaviour.CUT_AFTER)
CUT = (WriteBehaviour.CUT_BEFORE, WriteBehaviour.CUT_AFTER)


@dataclass(frozen=True, slots=True)
class AdditionWriter:
    """Changes and creates lines; every attempt goes into the journal, effective or not."""

    psa: PsaState
    journal: Journal
    switches: Switchboard
    clock: Clock

    def patch(self, row: Record, body: bytes) -> Record:
        """The line as the answer shows it; an ignored write claims success with the new values."""
        asked = patch.operations(_json(body))
        line = (row["agreementId"], row["id"])
        self._refuse_odd_paths(
            [RecordedChange(path, None, value) for path, value in asked if not patch.is_plain_field(path)],
            line,
        )
        fields = {path: patch.checked(path, value) for path, value in asked if patch.is_plain_field(path)}
        if not fields:
            return row
        after = self.psa.changed(row, fields, API_MEMBER)
        changes = [RecordedChange(field, row.get(field), value) for field, value in fields.items()]
        self._settle("PATCH", line, changes, store=lambda: self.psa.store(row, after))
        return after

    def create(self, agreement_id: int, body: bytes) -> Record:
        """A new line; the same body twice makes two lines."""
        given = _json(body)
        given = given if isinstance(given, dict) else {}
        for required in ("product", "billCustomer"):
            if given.get(required) is None:
                raise invalid(
                    ADDITION.name, required, f"{required} is required.", code="MissingRequiredField"
                )
        fields = {
            name: patch.checked(name, value) for name, value in given.items() if patch.is_plain_field(name)
        }
        row = self.psa.new_addition(agreement_id, fields, API_MEMBER)
        self._settle(
            "POST",
            (agreement_id, row["id"]),
            [RecordedChange("*", None, row)],
            store=lambda: self.psa.add_addition(agreement_id, row),
        )
        return row

    def _refuse_odd_paths(self, odd: list[RecordedChange], line: tuple[int, int]) -> None:
        self.journal.wrote(self.clock(), "PATCH", line=line, changes=odd, effective=False)
        if odd and self.switches.now.connectwise_patch_paths is PatchPaths.REFUSED:
            patch.checked(odd[0].field, odd[0].after)

    def _settle(
        self, method: str, line: tuple[int, int], changes: list[RecordedChange], *, store: Callable[[], None]
    ) -> None:
        mode = self.switches.now.connectwise_writes
        effective = mode in EFFECTIVE
        self.journal.wrote(self.clock(), method, line=line, changes=changes, effective=effective)
        if mode is WriteBehaviour.REFUSED:
            raise _refusal()
        if effective:
            store()
        if mode in CUT:
            raise ConnectionCut


def _refusal() -> ConnectWiseRefusal:
    return invalid(ADDITION.name, "quantity", "The addition cannot be changed.", code="InvalidOperation")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise invalid(ADDITION.name, "body", "the body is not JSON", code="InvalidJson") from None
