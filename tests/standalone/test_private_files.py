"""What the launcher writes is its user's alone, and what is somebody else's is not trusted."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest
from processes import a_process

from shared.errors import PermanentError
from standalone.credentials import SERVERS_WITH_PASSWORDS, Credentials
from standalone.data_dir import locked, rotate_logs
from standalone.private_files import make_private_directory, read_private, write_private


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    """The umask of a user who lets everybody do everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


@pytest.fixture
def somebody_elses(tmp_path: Path) -> Path:
    """A directory of another user; root can make one, everybody else finds root's."""
    if os.geteuid():
        return Path("/")
    (tmp_path / "theirs").mkdir(0o777)
    os.chown(tmp_path / "theirs", 65534, 65534)
    return tmp_path / "theirs"


def test_a_new_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    with locked(tmp_path / "new"):
        assert mode(tmp_path / "new") == 0o700
        assert mode(rotate_logs(tmp_path / "new")) == 0o700


def test_a_data_directory_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(0o777)

    with locked(tmp_path / "old"):
        assert mode(tmp_path / "old") == 0o700


def test_a_data_directory_of_somebody_else_is_refused_by_name(somebody_elses: Path) -> None:
    with pytest.raises(PermanentError, match=rf"{somebody_elses} belongs to another user \(id \d+\)"):
        make_private_directory(somebody_elses)


def test_a_link_to_a_directory_of_somebody_else_is_refused(somebody_elses: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(somebody_elses)

    with pytest.raises(PermanentError, match="belongs to another user"):
        make_private_directory(tmp_path / "link")


def test_a_directory_that_users_share_is_refused_and_stays_open(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)

    with pytest.raises(PermanentError, match="is shared with other users"):
        make_private_directory(shared)

    assert mode(shared) == 0o1777


def test_a_written_file_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").touch(0o666)

    write_private(tmp_path / "secrets.json", "{}")

    assert mode(tmp_path / "secrets.json") == 0o600


def test_secrets_that_were_open_to_others_are_closed_when_they_are_read(tmp_path: Path) -> None:
    stored = Credentials.load_or_create(tmp_path / "secrets.json")
    (tmp_path / "secrets.json").chmod(0o644)

    assert Credentials.load_or_create(tmp_path / "secrets.json") == stored
    assert mode(tmp_path / "secrets.json") == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_secrets_that_somebody_else_has_written_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    os.chown(tmp_path / "secrets.json", 65534, 65534)

    with pytest.raises(PermanentError, match="belongs to another user"):
        read_private(tmp_path / "secrets.json")


def test_secrets_of_an_earlier_version_keep_what_they_have_and_get_what_they_lack(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    before = Credentials.load_or_create(path)
    text = path.read_text().replace('"server_passwords"', '"unused"')
    write_private(path, text.partition(',\n "unused"')[0] + "\n}")

    after = Credentials.load_or_create(path)

    assert set(after.server_passwords) == set(SERVERS_WITH_PASSWORDS)
    assert after.admin_password == before.admin_password
    assert Credentials.load_or_create(path) == after


@pytest.mark.server
async def test_a_process_writes_its_log_and_its_files_for_its_owner_alone(tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = f"open({str(made)!r}, 'w').close(); print('up', flush=True); import time; time.sleep(600)"
    process = a_process(tmp_path, code=code)

    await process.start()

    assert mode(process.log_path) == 0o600
    assert mode(made) == 0o600
    await process.kill()
