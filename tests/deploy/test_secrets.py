"""Every password comes from a file that the generator writes; none has a default."""

import json
from pathlib import Path
from stat import S_IMODE

import pytest
from compose_file import FILLED_IN, composed, example_variables, make_secrets


@pytest.fixture
def place(tmp_path: Path) -> Path:
    make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def written(place: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in place.iterdir() if file.name != ".gitignore"}


def declared() -> dict[str, str]:
    files = composed(**example_variables() | FILLED_IN)["secrets"]
    return {name: secret["file"] for name, secret in files.items()}


def test_each_secret_is_a_file_of_its_name_that_the_generator_writes(place: Path) -> None:
    assert declared() == {name: f"./deploy/secrets/{name}" for name in written(place)}


def test_no_secret_is_mounted_that_is_not_declared_and_none_is_declared_in_vain() -> None:
    everything = composed(**example_variables() | FILLED_IN)

    mounted = [secret for service in everything["services"].values() for secret in service.get("secrets", [])]

    names = {secret if isinstance(secret, str) else secret["source"] for secret in mounted}
    assert names == set(declared())


def test_secrets_are_in_nobody_elses_reach_and_out_of_git(place: Path) -> None:
    modes = {S_IMODE(file.stat().st_mode) for name in written(place) for file in [place / name]}

    assert S_IMODE(place.stat().st_mode) == 0o700
    assert modes == {0o444}  # each container reads them as a user of its own
    assert (place / ".gitignore").read_text("utf-8") == "*\n"


def test_a_second_run_changes_nothing(place: Path) -> None:
    before = written(place)

    said = make_secrets(place)

    assert "nothing was missing" in said
    assert written(place) == before


def test_a_removed_secret_is_made_anew_with_all_that_follows_from_it(place: Path) -> None:
    before = written(place)
    (place / "psa-sync-token").unlink()

    make_secrets(place)

    after = written(place)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"psa-sync-token", "service-tokens"}
    assert json.loads(after["service-tokens"])["psa-sync"] == after["psa-sync-token"].strip()


def test_redis_asks_for_the_password_that_its_users_have(place: Path) -> None:
    found = written(place)

    password = found["redis.conf"].removeprefix("requirepass ").strip()

    assert found["redis-url"] == f"redis://:{password}@redis:6379/0\n"


def test_two_systems_have_no_secret_in_common(place: Path, tmp_path: Path) -> None:
    make_secrets(tmp_path / "other")

    assert not set(written(place).values()) & set(written(tmp_path / "other").values())


@pytest.mark.parametrize("name", ["TRUEUP_TENANTS", "TRUEUP_ADMIN_TENANT", "TRUEUP_ADMIN_EMAIL"])
def test_a_variable_without_a_sensible_default_is_asked_for_in_words(name: str) -> None:
    variables = example_variables() | FILLED_IN

    with pytest.raises(KeyError, match=r"say in \.env .*see \.env\.example"):
        composed(**variables | {name: ""})


def test_the_example_says_nothing_that_compose_does_not_read() -> None:
    text = Path(__file__).parents[2].joinpath("docker-compose.yml").read_text("utf-8")

    assert [name for name in example_variables() if f"${{{name}:" not in text] == []
