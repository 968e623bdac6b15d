"""What an observation says, by its digest: evidence counts where there is some, and only there."""

from hashlib import sha256

import pytest
from catalogue_builders import a_product, a_psa_account, a_service, a_vendor_account

from shared.contracts.base import Observation
from shared.sync_engine.observation_rows import digest

THINGS = [
    a_vendor_account("1", "Contoso"),
    a_psa_account("9", "Contoso"),
    a_service("s1", "Mail"),
    a_product("p1", "Post"),
]
STAMPS = {"run_id", "revision", "observed_at", "generation"}


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
def test_a_thing_without_evidence_says_what_it_said_in_the_release_before(thing: Observation) -> None:
    before = thing.model_dump_json(exclude=STAMPS | thing.evidence_fields)

    assert digest(thing) == sha256(before.encode()).hexdigest()


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
def test_any_evidence_that_comes_changes_or_goes_says_something_new(thing: Observation) -> None:
    for name in thing.evidence_fields:
        is_list = isinstance(getattr(thing, name), tuple)
        one, other = (("a",), ("a", "b")) if is_list else ("a", "b")
        said = [digest(thing.model_copy(update={name: value})) for value in (one, other)]

        assert len({digest(thing), *said}) == 3
