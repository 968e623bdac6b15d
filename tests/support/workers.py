"""Which tests need a server, which must share a worker, and which start first.

`make quick` runs the tests without the marker `server`; `make test` deals all tests out to several workers
(pytest-xdist). Both are decided here, from the fixtures that a test uses and from the markers of its module,
so that no list of tests has to be kept.
"""

# A worker has a session of its own: its own document store, Redis and, if need be, live system. Hence two
# rules: tests that share something expensive run on one worker, and the longest start first, so that no
# worker is left alone with them at the end.
#
#   the live system takes ten seconds to start   → the 25 tests that share it are one group, and go first
#   2,100 tests share nothing expensive          → each goes to whichever worker is free, after the groups
#
# Only the workers collect tests and know their fixtures; only the main process deals them out. So each worker
# writes its groups to a file that the main process has named, and all of them write the same.

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

SERVERS = frozenset({"mongo_url", "redis_url", "system"})
"""Fixtures that start a server or a whole system."""

_GROUPS = pytest.StashKey[Path]()


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Deals out whole groups, and tests without a group one by one, in the order of their collection."""

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, nodeid)

    @cached_property
    def _groups(self) -> dict[str, str]:
        """Group by test; read after the workers have collected."""
        groups: dict[str, str] = json.loads(self.config.stash[_GROUPS].read_text("utf-8"))
        return groups


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # a worker: the main process tells it where
        config.stash[_GROUPS] = Path(config.workerinput["groups"])
        return
    place = tempfile.TemporaryDirectory(prefix="trueup-groups-")
    config.add_cleanup(place.cleanup)
    config.stash[_GROUPS] = Path(place.name) / "groups.json"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["groups"] = str(node.config.stash[_GROUPS])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by the marker that is set here
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    items.sort(key=_rank)  # stable: within a rank the files keep their order
    for test in items:
        if SERVERS & {*test.fixturenames} or test.get_closest_marker("live"):
            test.add_marker("server")
    groups = {test.nodeid: group for test in items if (group := shared_by(test))}
    _write_whole(config.stash[_GROUPS], json.dumps(groups))


def shared_by(test: pytest.Function) -> str | None:
    """Names the tests that share an expensive fixture with this one: its package, its module, or None.

    Fixtures of the session (a document store, a Redis) are so cheap that each worker has its own.
    """
    found = map(test._fixtureinfo.name2fixturedefs.get, test.fixturenames)  # noqa: SLF001 (it has no public way)
    scopes = {definitions[-1].scope for definitions in found if definitions}
    module = test.nodeid.partition("::")[0]
    if "package" in scopes:
        return module.rpartition("/")[0]
    return module if "module" in scopes else None


def _rank(test: pytest.Function) -> int:
    """Groups of live tests first, then live tests on their own, then whatever starts its own processes."""
    if test.get_closest_marker("live"):
        return 0 if shared_by(test) else 1
    return 2 if test.get_closest_marker("server") else 3


def _write_whole(path: Path, text: str) -> None:
    """Several workers write it at once, and whoever reads it must find all of it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
