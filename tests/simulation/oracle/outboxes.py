"""(g) and (h): what is committed together with a state is sent, each key in the order of commits."""

# A message in an outbox is a promise of the transaction that it was committed in. It may be sent twice, and
# then others with it, but at the end each is in its topic, and the last record of a key tells of the last
# commit: so whoever folds the last records knows the same as whoever reads them all.
#
#   committed A B (one key)   A B, A B → sent twice, in order   A → B was lost: (g)   B A → out of order: (h)

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from shared.contracts import MESSAGES
from tests.simulation.log import Log
from tests.simulation.oracle.violation import Violation
from tests.simulation.store.database import Database, Document, Written

_COLLECTION = "outbox"
_STATE_TOPICS = {model.topic for model in MESSAGES if model.compacted}
Key = tuple[str, bytes | None]


class Outboxes:
    """Looks at every message that is committed, and at rest at what became of it."""

    def __init__(self, databases: Mapping[str, Database], log: Log) -> None:
        self._log = log
        self._promised: dict[str, dict[str, str]] = {name: {} for name in databases}
        """The topics of messages in the order in which they were committed, by event id; of each database."""
        self._ordered_since: dict[str, int] = {}
        """How many of them were committed when the database went back: it sends some of these once more."""
        self._newest: dict[tuple[str, str], int] = {}
        """The largest revision that was committed of each state, also where a database has lost it since."""
        self._unheard: list[str] = []
        for name, database in databases.items():
            database.listeners.append(self._listener(name))

    def note_restore(self, name: str) -> None:
        """A database went back: what was committed there and not sent is lost with the rest."""
        sent = self._positions()
        promised = self._promised[name].items()
        self._promised[name] = {id_: topic for id_, topic in promised if (topic, id_) in sent}
        self._ordered_since[name] = len(self._promised[name])

    def check(self) -> None:
        if self._unheard:
            raise Violation("h", self._unheard[0])
        sent = self._positions()
        for name, promised in self._promised.items():
            for id_, topic in promised.items():
                if (topic, id_) not in sent:
                    raise Violation("g", f"{name} committed {id_} for {topic}, and never sent it")
            last: defaultdict[Key, int] = defaultdict(int)
            for id_, topic in [*promised.items()][self._ordered_since.get(name, 0) :]:
                key, position = sent[topic, id_]
                if position < last[key]:
                    raise Violation("h", f"{name} sent {id_} of {key} before what was committed earlier")
                last[key] = position

    def _positions(self) -> dict[tuple[str, str], tuple[Key, int]]:
        """The key of each message, by topic and event id, and where its last record lies.

        Who sets a message aside keeps its event id, in a topic of its own.
        """
        return {
            (record.topic, value.decode()): ((record.topic, record.key), record.offset)
            for records in self._log.records.values()
            for record in records
            for name, value in record.headers
            if name == "ce_id"
        }

    def _listener(self, name: str) -> Callable[[Sequence[Written]], None]:
        def note(written: Sequence[Written]) -> None:
            for one in written:
                is_new = one.collection == _COLLECTION and one.id not in self._promised[name]
                if is_new and one.before is None and one.after is not None:
                    self._promised[name][one.id] = str(one.after["topic"])
                    if one.after["topic"] in _STATE_TOPICS:
                        self._note_revision(one.after)

        return note

    def _note_revision(self, row: Document) -> None:
        """Who reads a state moves only forward: what does not outrank what it was told is not heard."""
        key, revision = (row["topic"], row["key"]), int(json.loads(row["body"])["revision"])
        newest = self._newest.get(key, -1)
        if revision <= newest:
            self._unheard.append(f"{key} is told at {revision} after {newest}")
        self._newest[key] = max(newest, revision)
