"""Which tests need a server, which must share a worker, and which start first.

`make quick` runs the tests without the marker `server`; `make test` deals all tests out to several workers
(pytest-xdist, `--dist loadgroup`). Both are decided here, from the fixtures that a test uses and from the
markers of its module, so that no list of tests has to be kept.

A worker has a session of its own: its own document store, Redis and, if need be, live system. Hence two
rules: tests that share an expensive fixture run on one worker, and the longest start first, so that no worker
is left alone with them at the end. For example: the live system takes ten seconds to start, so the 25 tests
that share it are one group and among the first; the 1,700 that share nothing fill whichever worker is free.
"""

import pytest

SERVERS = frozenset({"mongo_url", "redis_url", "system"})
"""Fixtures that start a server or a whole system."""


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses, and pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    items.sort(key=_rank)  # stable: within a rank the files keep their order
    for test in items:
        if SERVERS & {*test.fixturenames} or test.get_closest_marker("live"):
            test.add_marker("server")
        if group := shared_by(test):
            test.add_marker(pytest.mark.xdist_group(group))


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
