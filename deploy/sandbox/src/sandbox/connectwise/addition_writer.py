"""Writes agreement lines and journals every attempt, with the faults that the switches ask for."""

# Every attempt is journaled before it takes effect, with what it was going to change, so that a connection
# which is cut after the write still leaves proof of it:
#
#   switch       stored   journal `effective`   answer
#   applied      yes      true                  200 or 201
#   refused      no       false                 400
#   ignored      no       false                 200 with the new values (a false success)
#   cut-before   no       false                 none
#   cut-after    yes      true                  none
#   held         later    false                 none; stored at the first call after the switch was changed
#
# A PATCH is parsed as a whole before anything is stored: one bad value in it changes nothing.

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import Clock
from sandbox.connectwise import patch
from sandbox.connectwise.errors import invalid
from sandbox.connectwise.fields import ADDITION, Record
from sandbox.connectwise.psa import PsaState
from sandbox.cuts import ConnectionCut
from sandbox.journal import Journal, RecordedChange
from sandbox.switches import PatchPaths, Switchboard, WriteBehaviour

API_MEMBER = "apiMember"
EFFECTIVE = (WriteBehaviour.APPLIED, WriteBehaviour.CUT_AFTER)
CUT = (WriteBehaviour.CUT_BEFORE, WriteBehaviour.CUT_AFTER, WriteBehaviour.HELD)


@dataclass(frozen=True, slots=True)
class AdditionWriter:
    """Changes and creates agreement lines; every attempt goes into the journal, effective or not."""

    psa: PsaState
    journal: Journal
    switches: Switchboard
    clock: Clock
    _held: list[Callable[[], None]] = field(default_factory=list)

    def deliver_held(self) -> None:
        """Store what was held on its way, unless it still is."""
        if self.switches.current.connectwise_writes is not WriteBehaviour.HELD:
            for store in self._held:
                store()
            self._held.clear()

    def make_foreign_change(self, row: Record, *, by_reading: bool) -> None:
        """Have somebody else set this line right before it is read or written, if it is time for that."""
        if change := self.switches.take_foreign_change(by_reading=by_reading):
            self.psa.store(row, self.psa.with_changes(row, {"quantity": change.quantity}, change.by))

    def patch(self, row: Record, body: bytes) -> Record:
        """Return the line as the answer shows it; an ignored write returns the new values all the same.

        Raises `ConnectWiseRefusal` for a bad body or a refused write, `ConnectionCut` when switched to cut.
        """
        operations = patch.parse_operations(_parse_json(body))
        line = (row["agreementId"], row["id"])
        unknown = [
            RecordedChange(path, None, value) for path, value in operations if not patch.is_writable(path)
        ]
        self.journal.record_write(self.clock(), "PATCH", line=line, changes=unknown, effective=False)
        if unknown and self.switches.current.connectwise_patch_paths is PatchPaths.REFUSED:
            patch.parse_value(unknown[0].field, unknown[0].after)
        fields = {
            path: patch.parse_value(path, value) for path, value in operations if patch.is_writable(path)
        }
        if not fields:
            return row
        changes = [RecordedChange(field, row.get(field), value) for field, value in fields.items()]
        after = self.psa.with_changes(row, fields, API_MEMBER)

        def store() -> None:
            # Anew: what was held on its way changes the line as it is by then.
            self.psa.store(row, self.psa.with_changes(row, fields, API_MEMBER))

        self._write("PATCH", line, changes, store=store)
        return after

    def create(self, agreement_id: int, body: bytes) -> Record:
        """Return a new line; ConnectWise has no idempotency key, so the same body twice makes two lines.

        Raises `ConnectWiseRefusal` for a missing or bad field, `ConnectionCut` when switched to cut.
        """
        given = _parse_json(body)
        given = given if isinstance(given, dict) else {}
        for required in ("product", "billCustomer"):
            if given.get(required) is None:
                raise invalid(
                    ADDITION.name, required, f"{required} is required.", code="MissingRequiredField"
                )
        fields = {
            name: patch.parse_value(name, value) for name, value in given.items() if patch.is_writable(name)
        }
        row = self.psa.new_addition(agreement_id, fields, API_MEMBER)
        self._write(
            "POST",
            (agreement_id, row["id"]),
            [RecordedChange("*", None, row)],
            store=lambda: self.psa.add_addition(agreement_id, row),
        )
        return row

    def _write(
        self, method: str, line: tuple[int, int], changes: list[RecordedChange], *, store: Callable[[], None]
    ) -> None:
        behaviour = self.switches.current.connectwise_writes
        effective = behaviour in EFFECTIVE
        self.journal.record_write(self.clock(), method, line=line, changes=changes, effective=effective)
        if behaviour is WriteBehaviour.REFUSED:
            raise invalid(
                ADDITION.name, "quantity", "The addition cannot be changed.", code="InvalidOperation"
            )
        if effective:
            store()
        if behaviour is WriteBehaviour.HELD:
            self._held.append(store)
        if behaviour in CUT:
            raise ConnectionCut


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise invalid(ADDITION.name, "body", "the body is not JSON", code="InvalidJson") from None
