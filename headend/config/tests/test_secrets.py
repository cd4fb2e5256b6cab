"""Secret files: made once, whoever comes first, and readable by their owner only."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from headend.config.environment import BadSetting
from headend.config.secrets import read_or_create


def test_created_once_with_narrow_permissions(tmp_path):
    file = tmp_path / "new" / "secret.key"
    secret = read_or_create(file, byte_count=32)
    assert len(bytes.fromhex(secret)) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_or_create(file, byte_count=32) == secret
    assert list(file.parent.iterdir()) == [file]


def test_several_that_start_at_once_agree(tmp_path):
    file = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: read_or_create(file, byte_count=32), range(32)))
    assert len(secrets) == 1


@pytest.mark.parametrize("content", ["", "xyz", "11" * 16, "11" * 31 + "1"])
def test_damaged_files_are_refused_not_replaced(tmp_path, content):
    file = tmp_path / "secret.key"
    file.write_text(content)
    with pytest.raises(BadSetting, match="32 bytes"):
        read_or_create(file, byte_count=32)
    assert file.read_text() == content


def test_the_folder_made_for_it_is_its_owners_alone(tmp_path):
    read_or_create(tmp_path / "new" / "secret.key", byte_count=32)
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_a_file_that_can_not_be_made_or_read_is_named(tmp_path):
    (tmp_path / "file").touch()
    for where in (tmp_path, tmp_path / "file" / "secret.key"):
        with pytest.raises(BadSetting, match=str(where)):
            read_or_create(where, byte_count=32)
