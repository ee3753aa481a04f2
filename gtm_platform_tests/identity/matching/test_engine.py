"""What a matching puts aside: gone with it, and under keys not to be read."""

from pathlib import Path

import duckdb
import pytest

from gtm_platform.identity.matching.engine import matching_engine
from gtm_platform.keyring import EncryptionMissing
from gtm_platform.lake import encryption
from gtm_platform_tests.lake.keys import K1, require_packages, use_keys

SECRET = b"ada.lovelace@analytical.example"


def written_aside(engine: duckdb.DuckDBPyConnection) -> tuple[Path, int]:
    """Let rows outgrow the memory; in how many of the files that were written the address can be read."""
    address = f"'{SECRET.decode()}'"
    engine.execute("set threads = 1")
    engine.execute(f"create table people as select {address} || hash(range)::text as email from range(800_000)")
    [folder] = map(Path, engine.execute("select current_setting('temp_directory')").fetchone() or ())
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, "it did not outgrow the memory"
    return folder, sum(SECRET in path.read_bytes() for path in files)


def test_without_keys_it_is_plain_and_goes_with_the_matching() -> None:
    with matching_engine("32MB") as engine:
        folder, readable = written_aside(engine)
        assert readable
    assert not folder.exists()


def test_with_keys_it_is_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    require_packages()
    use_keys(monkeypatch, K1)
    with matching_engine("32MB") as engine:
        folder, readable = written_aside(engine)
        assert not readable
    assert not folder.exists()


def test_nothing_is_matched_where_it_cannot_be_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K1)
    monkeypatch.setattr(encryption, "extension_file", lambda: None)
    with pytest.raises(EncryptionMissing), matching_engine():
        pass
