"""Every password comes from a file that the generator writes; none has a default."""

import json
from pathlib import Path
from stat import S_IMODE

import pytest
from compose_file import OPERATOR_VARIABLES, example_variables, load_compose, make_secrets


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def read_secrets(directory: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in directory.iterdir() if file.name != ".gitignore"}


def declared() -> dict[str, str]:
    files = load_compose(**example_variables() | OPERATOR_VARIABLES)["secrets"]
    return {name: secret["file"] for name, secret in files.items()}


def test_each_secret_is_a_file_of_its_name_that_the_generator_writes(directory: Path) -> None:
    assert declared() == {name: f"./deploy/secrets/{name}" for name in read_secrets(directory)}


def test_no_secret_is_mounted_that_is_not_declared_and_none_is_declared_in_vain() -> None:
    everything = load_compose(**example_variables() | OPERATOR_VARIABLES)

    mounted = [secret for service in everything["services"].values() for secret in service.get("secrets", [])]

    names = {secret if isinstance(secret, str) else secret["source"] for secret in mounted}
    assert names == set(declared())


def test_secrets_are_private_to_their_owner_and_ignored_by_git(directory: Path) -> None:
    modes = {S_IMODE(file.stat().st_mode) for name in read_secrets(directory) for file in [directory / name]}

    assert S_IMODE(directory.stat().st_mode) == 0o700
    assert modes == {0o444}  # each container reads them as a user of its own
    assert (directory / ".gitignore").read_text("utf-8") == "*\n"


def test_a_second_run_changes_nothing(directory: Path) -> None:
    before = read_secrets(directory)

    printed = make_secrets(directory)

    assert "nothing was missing" in printed
    assert read_secrets(directory) == before


def test_a_removed_secret_is_made_anew_with_all_that_follows_from_it(directory: Path) -> None:
    before = read_secrets(directory)
    (directory / "psa-sync-token").unlink()

    make_secrets(directory)

    after = read_secrets(directory)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"psa-sync-token", "service-tokens"}
    assert json.loads(after["service-tokens"])["psa-sync"] == after["psa-sync-token"].strip()


def test_redis_requires_the_password_that_its_clients_have(directory: Path) -> None:
    secrets = read_secrets(directory)

    password = secrets["redis.conf"].removeprefix("requirepass ").strip()

    assert secrets["redis-url"] == f"redis://:{password}@redis:6379/0\n"


def test_two_systems_have_no_secret_in_common(directory: Path, tmp_path: Path) -> None:
    make_secrets(tmp_path / "other")

    assert not set(read_secrets(directory).values()) & set(read_secrets(tmp_path / "other").values())


@pytest.mark.parametrize("name", ["TRUEUP_TENANTS", "TRUEUP_ADMIN_TENANT", "TRUEUP_ADMIN_EMAIL"])
def test_a_missing_variable_without_a_default_is_explained_in_words(name: str) -> None:
    variables = example_variables() | OPERATOR_VARIABLES

    with pytest.raises(KeyError, match=r"say in \.env .*see \.env\.example"):
        load_compose(**variables | {name: ""})


def test_the_example_sets_no_variable_that_compose_does_not_read() -> None:
    text = Path(__file__).parents[2].joinpath("docker-compose.yml").read_text("utf-8")

    assert [name for name in example_variables() if f"${{{name}:" not in text] == []
