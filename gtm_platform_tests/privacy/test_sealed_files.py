"""Files that are encrypted as a whole: what was written is read, whatever its size, and what was touched is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gtm_platform import sealed_files
from gtm_platform.ingest.files.encoding import encoding_of
from gtm_platform.keyring import KeyProblem
from gtm_platform.privacy.home_files import erase_from_files, file_hits
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import Person
from gtm_platform.settings import settings
from gtm_platform.sources.github.etags import EtagFiles, Stored
from gtm_platform_tests.lake.keys import K1, K2, OTHER_K1, require_packages, use_keys

TEXT = b"ada@lovelace.example,Ada\n"


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    require_packages()
    use_keys(monkeypatch, K1)
    return tmp_path / "report.csv"


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 33])
def test_what_was_written_is_read_whatever_its_size(path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "PIECE", 16)
    body = (TEXT * 2)[:size]
    sealed_files.write_bytes(path, body)
    assert sealed_files.read_bytes(path) == body
    assert sealed_files.key_of(path) == "k1"
    if size > 8:
        assert body[:8] not in path.read_bytes()


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_cut_or_changed_is_refused(data: st.DataObject, path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_files, "PIECE", 16)
        sealed_files.write_bytes(path, TEXT * 2)
        sealed = bytearray(path.read_bytes())
        place = data.draw(st.integers(len(sealed_files.MARK) + 2, len(sealed) - 1))
        if data.draw(st.booleans()):
            sealed = sealed[: max(place, len(sealed_files.MARK) + 32)]
        else:
            sealed[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(sealed)
        with pytest.raises(KeyProblem):
            sealed_files.read_bytes(path)


def test_pieces_of_two_files_cannot_be_joined(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "PIECE", 16)
    whole = []
    for _ in range(2):
        sealed_files.write_bytes(path, TEXT * 2)
        whole.append(path.read_bytes())
    path.write_bytes(whole[0][:-20] + whole[1][-20:])
    with pytest.raises(KeyProblem):
        sealed_files.read_bytes(path)


def test_another_key_and_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_files.write_bytes(path, TEXT)
    use_keys(monkeypatch, OTHER_K1)
    with pytest.raises(KeyProblem, match="cannot be decrypted with the key k1"):
        sealed_files.read_bytes(path)
    use_keys(monkeypatch)
    with pytest.raises(KeyProblem, match="encrypted with the key k1, which GTM_KEYS does not have"):
        sealed_files.read_bytes(path)
    (settings().home / "keys.json").write_text(json.dumps({"k1": ""}))
    with pytest.raises(KeyProblem, match="nothing is written"):
        sealed_files.write_bytes(path, TEXT)


def test_it_is_rotated_and_made_plain(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_files.write_bytes(path, TEXT)
    path.chmod(0o600)
    use_keys(monkeypatch, K2, K1)
    assert sealed_files.rewrite(path, "k2")
    assert not sealed_files.rewrite(path, "k2")
    use_keys(monkeypatch, "plain", K2)
    assert (sealed_files.key_of(path), sealed_files.read_bytes(path)) == ("k2", TEXT)
    assert sealed_files.rewrite(path, "")
    assert path.read_bytes() == TEXT
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_dropped_is_taken_under_the_key_and_read_line_by_line(path: Path, tmp_path: Path) -> None:
    dropped = tmp_path / "dropped.csv"
    dropped.write_bytes("Müller\n".encode("cp1252") * 50_000)
    sealed_files.take(dropped, path)
    assert not dropped.exists()
    assert sealed_files.key_of(path) == "k1"
    encoding = encoding_of(path)
    with encoding.open(path) as file:
        assert set(file) == {"Müller\n"}


@pytest.mark.usefixtures("path")
def test_a_person_is_erased_from_encrypted_files_too(tmp_path: Path) -> None:
    """An encrypted report loses their row, keeps the others', and stays encrypted."""
    person = Person(addresses=("ada@lovelace.example",), names=("Ada Lovelace",))
    home, page = tmp_path / "home", "<p>7</p><tr><td>Ada Lovelace</td></tr><tr><td>Bob</td></tr>"
    rows = "email,name\nada@lovelace.example,Ada\nb@b.example,Bob\n"
    kept = {"reports/weekly/2026/report.html": page, "files/partners/0_list.csv": rows}
    for name, text in kept.items():
        (home / name).parent.mkdir(parents=True)
        sealed_files.write_text(home / name, text)
    assert {hit.kind for hit in file_hits(home, tmp_path / "cache", Needles(person))} == {"reports", "files"}
    erase_from_files(home, tmp_path / "cache", Needles(person), lambda *_: None, lambda _: None)
    texts = {name: sealed_files.read_text(home / name) for name in kept}
    assert "Lovelace" not in str(texts)
    assert "lovelace" not in str(texts)
    assert all("Bob" in text for text in texts.values())
    assert {sealed_files.key_of(home / name) for name in kept} == {"k1"}


@pytest.mark.usefixtures("path")
def test_answers_that_are_kept_are_encrypted(tmp_path: Path) -> None:
    files, stored = EtagFiles(tmp_path, "https://api"), Stored("v1", datetime(2026, 3, 1, tzinfo=UTC), TEXT)
    files.write("/users/ada", stored)
    [file] = (tmp_path / "etags").rglob("*.json")
    assert sealed_files.key_of(file) == "k1"
    assert files.read("/users/ada") == stored
