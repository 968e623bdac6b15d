"""(d), (g), (h), (i): what must hold once nothing moves any more and everything was read twice."""

# At rest the system knows the truth: every line shows it, an odd entity takes it from no line but those that
# it is part of, every approval has ended, nothing waits anywhere, and a reader who starts from the last
# records of the compacted topics knows the same as one who read them all.

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from shared.contracts import MESSAGES
from shared.contracts.base import service_id_of
from tests.simulation.log import Log, LogRecord
from tests.simulation.oracle.violation import Violation
from tests.simulation.store.database import Database, Document
from tests.simulation.world import VENDOR, BilledFacts, Target, World

_LINES_TOPIC = "billing.usage-line-changed.v1"
_ENDED_RUNS = ("complete", "partial", "failed")


class FinalState:
    """Looks at everything that is stored."""

    def __init__(
        self,
        world: World,
        databases: Mapping[str, Database],
        log: Log,
        is_lost: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_lost` tells of an approval whether a restore has undone it."""
        self._world, self._databases, self._log, self._is_lost = world, databases, log, is_lost

    def check(self) -> None:
        self.check_topics()
        self.check_rest()
        self.check_lines()

    def waiting(self) -> list[str]:
        """What is still going on, a sentence each."""
        billing, sentences = self._databases["billing"], list[str]()
        for name, database in self._databases.items():
            if database.documents("outbox"):
                sentences.append(f"{name} has messages to send")
            if name != "billing" and any(
                run["state"] not in _ENDED_RUNS for run in database.documents("runs")
            ):
                sentences.append(f"{name} has a run going on")
            if database.documents("work_items"):
                sentences.append(f"{name} has work waiting")
        if any(run["state"] != "reconciled" for run in billing.documents("runs")):
            sentences.append("billing has a run that is not reconciled")
        if any(one["state"] == "commanded" for one in billing.documents("approvals")):
            sentences.append("an approval has not ended")
        if any(one.get("state") == "held" for one in billing.documents("feed_runs")):
            sentences.append("billing holds a run")
        sentences += [f"{group} has not read {topic}" for group, topic in self._unread()]
        return sentences

    def check_rest(self) -> None:
        if sentences := self.waiting():
            raise Violation("g", f"at rest {'; '.join(sentences)}")
        for topic in {partition.topic for partition in self._log.records}:
            for letter in self._log.of_topic(topic) if "dead-letter" in topic else ():
                # How a write ended whose approval was lost: set aside, it is what is left of the decision.
                if not self._is_lost(json.loads(letter.value).get("approval_id", "")):
                    raise Violation("g", f"a message was set aside: {dict(letter.headers)}")

    def check_topics(self) -> None:
        for model in MESSAGES:
            if model.compacted:
                for partition in self._log.partitions_of(model.topic):
                    self._check_compaction(self._log.records[partition])
        self._check_announced()
        self._check_observed()

    def check_lines(self) -> None:
        lines = {_target(line): line for line in self._present()}
        odd = set(self._odd_targets())
        for target in self._expected_targets() - odd:
            self._check_line(target, lines.get(target))
        self._check_placement(odd)

    def _unread(self) -> Iterator[tuple[str, str]]:
        groups = {group for group, _ in self._log.committed}
        for group in sorted(groups):
            topic = group.split(".", 1)[1]
            for partition in self._log.partitions_of(topic):
                if self._log.committed.get((group, partition), 0) < self._log.end(partition):
                    yield group, topic

    def _check_compaction(self, records: list[LogRecord]) -> None:
        newest: dict[bytes | None, int] = {}
        last: dict[bytes | None, int] = {}
        for record in records:
            revision = int(json.loads(record.value)["revision"])
            newest[record.key] = max(newest.get(record.key, 0), revision)
            last[record.key] = revision
        for key, revision in newest.items():
            if last[key] != revision:
                raise Violation("h", f"compaction keeps {last[key]} of {key!r}, and {revision} was newest")

    def _check_announced(self) -> None:
        """Who reads the topic of lines knows exactly the lines that billing has."""
        last = {record.key: json.loads(record.value) for record in self._log.of_topic(_LINES_TOPIC)}
        announced = {one["line_id"]: _numbers(one) for one in last.values() if one["present"]}
        stored = {line["line_id"]: _numbers(line) for line in self._present()}
        if different := announced.items() ^ stored.items():
            raise Violation("h", f"announced, or stored, alone: {sorted(different, key=str)[:4]}")

    def _check_observed(self) -> None:
        """Who reads the topic of an observation knows what its sync service read last.

        A restored service knows less of what cannot be read any more: its topic has a later reading.
        """
        odd = self._world.unreadable_subscriptions | self._world.unreadable_lines
        for name in ("vendor-sync", "psa-sync"):
            rows = self._databases[name].documents("observations")
            for topic in {row["topic"] for row in rows}:
                told = {one.key: int(json.loads(one.value)["revision"]) for one in self._log.of_topic(topic)}
                for row in rows:
                    key = row["_id"].removeprefix(f"{topic}#").encode()
                    if row["topic"] != topic or told.get(key) == row["revision"]:
                        continue
                    is_odd = key.decode().rpartition(":")[2] in odd
                    if not is_odd or told.get(key, 0) < row["revision"]:
                        last = f"{topic} tells {told.get(key)}"
                        raise Violation("h", f"{name} read {key!r} at {row['revision']}, and {last}")

    def _present(self) -> list[Document]:
        return [line for line in self._databases["billing"].documents("usage_lines") if line["present"]]

    def _odd_targets(self) -> Iterator[Target]:
        """Where an odd entity may have a part: under its account, or in its company."""
        for id_ in self._world.unreadable_subscriptions:
            account = self._world.subscriptions[id_].account
            company = self._world.company_of[account]
            yield from ((company or account, item) for item in self._items())
            yield from ((account, item) for item in self._items())
        for id_ in self._world.unreadable_lines:
            yield from ((self._world.lines[id_].company, item) for item in self._items())

    def _items(self) -> list[str]:
        services = [service_id_of(VENDOR, offer.service_key) for offer in self._world.offers]
        return [*self._world.products, *services]

    def _expected_targets(self) -> set[Target]:
        mapped = {offer.product for offer in self._world.offers if offer.product}
        billed = {(one.company, one.product) for one in self._open_lines() if one.product in mapped}
        return billed | {target for target, line in self._world.bought.items() if line.now}

    def _open_lines(self) -> list[BilledFacts]:
        return [one for one in self._world.lines.values() if one.is_open]

    def _check_line(self, target: Target, line: Document | None) -> None:
        bought = self._world.bought[target].now
        billed = [one.quantity for one in self._world.open_lines(target)]
        is_mapped = target[0] in self._world.companies
        if line is None:
            raise Violation("i", f"no line for {target}: {bought} bought, {billed} billed")
        has_vendor = target[0] in {*self._world.company_of.values(), *self._world.company_of}
        number = line["vendor_count"]["number"]
        if has_vendor and (number is None or Decimal(number) != bought):
            raise Violation("d", f"{target} shows {line['vendor_count']}, {bought} are bought: {_told(line)}")
        number = line["psa_count"]["number"]
        if is_mapped and len(billed) < 2 and (number is None or Decimal(number) != sum(billed)):
            raise Violation("d", f"{target} shows {line['psa_count']}, {billed} are billed: {_told(line)}")
        if is_mapped and len(billed) > 1 and line["line_class"] != "ambiguous":
            raise Violation("d", f"{target} is {line['line_class']} with {billed} billed")

    def _check_placement(self, odd: set[Target]) -> None:
        mapped = {offer.product for offer in self._world.offers if offer.product}
        places: defaultdict[str, list[Target]] = defaultdict(list)
        for line in self._present():
            for billed in line["evidence"]["billed"]:
                places[billed["line_id"]].append(_target(line))
        for one in self._open_lines():
            place = one.company, one.product
            if one.product in mapped and place not in odd and places[one.id] != [place]:
                raise Violation("i", f"line {one.id} of {place} is in {places[one.id]}")


def _target(line: Mapping[str, Any]) -> Target:
    if line["psa_account_id"]:
        return str(line["psa_account_id"]), str(line["psa_product_id"])
    return str(line["vendor_account_id"]), str(line["service_id"])


def _numbers(line: Mapping[str, Any]) -> tuple[Any, ...]:
    numbers = [line[side]["number"] for side in ("vendor_count", "psa_count")]
    known = [None if number is None else Decimal(number) for number in numbers]
    return (line["line_class"], *known, line["psa_account_id"], line["vendor_account_id"])


def _told(line: Mapping[str, Any]) -> str:
    items = [(one["subscription_id"], one["quantity"]) for one in line["evidence"]["items"]]
    return f"{line['line_class']} of {items}, changed {line['changed_at']}"
