"""Files that are dropped to do harm: none is unpacked, followed out of its folder, or opened as anything but text."""

import gzip
import io
import sqlite3
import zipfile
from pathlib import Path

import pytest

from gtm_platform.ingest.files.reading import FileReport, Origin, examine
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.files.conftest import place  # noqa: F401  a fixture
from gtm_platform_tests.ingest.files.drops import GUESTS, NOW, Place

ROW = "email,name,age\na@b.example,A,1\n"
MEGABYTE = 1 << 20


def report(path: Path, content: bytes) -> FileReport:
    path.write_bytes(content)
    return examine(path, path.name, {"guests": GUESTS}, Origin(path.name, NOW, NOW))


def zip_bomb() -> bytes:
    """A megabyte of zeros a hundred times over, in some kilobytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"../../{number}.csv", b"\0" * MEGABYTE)
    return packed.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table guests (email)")
    return connection.serialize()


@pytest.mark.faults("V12")
@pytest.mark.parametrize(
    "content",
    [
        zip_bomb(),
        gzip.compress(b"\0" * MEGABYTE, mtime=0),
        gzip.compress(ROW.encode(), mtime=0),
        database(),
        b"PAR1" + b"\0" * 100 + b"PAR1",
        b"\x7fELF" + b"\0" * 100,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
        b"\0" * 1000,
        b"",
        b"\n" * 10_000,
        b'"' * 100_001,
        b"email" + b"," * 100_000,
        b"\xff\xfe" + "=cmd".encode("utf-16-le"),
    ],
    ids=lambda content: repr(bytes(content[:8])),
)
def test_what_is_no_list_is_refused_in_a_sentence_without_its_content(content: bytes, tmp_path: Path) -> None:
    refused = report(tmp_path / "guests.csv", content)
    assert refused.accepted == 0
    assert refused.refused.endswith("."), refused
    assert len(refused.refused) < 500
    assert "alert(1)" not in refused.refused
    assert [path.name for path in tmp_path.iterdir()] == ["guests.csv"], "nothing was unpacked beside it"


@pytest.mark.faults("V12")
@pytest.mark.parametrize(
    "cell", ["../../etc/passwd", "=cmd|' /C calc'!A0", "<script>", "'; drop table x; --", "\u202e", "a" * 5000]
)
def test_a_hostile_cell_is_text(cell: str, tmp_path: Path) -> None:
    good = report(tmp_path / "guests.csv", f'email,name\na@b.example,"{cell}"\n'.encode())
    assert (good.accepted, good.quarantined) == (1, 0)


@pytest.mark.faults("V12")
@pytest.mark.parametrize(
    "name", ["..csv", "...%2f..%2fx.csv", "a\nb.csv", "$(touch x).csv", "';--.csv", "a" * 200 + ".csv", "\u202evsc.csv"]
)
def test_no_name_leads_out_of_the_folder(name: str, place: Place) -> None:  # noqa: F811
    place.drop(name, ROW)
    place.sync()
    home = settings().home
    kept = [path for path in home.rglob("*") if path.is_file() and path.read_bytes() == ROW.encode()]
    assert {path.parent for path in kept} <= {place.folder.originals, place.folder.drop}
    assert place.rows("email") in ([("a@b.example",)], [])


@pytest.mark.faults("V12")
def test_a_link_to_elsewhere_is_not_followed(place: Place, tmp_path: Path) -> None:  # noqa: F811
    secret = tmp_path / "outside.csv"
    secret.write_text("email,name\nsecret@b.example,S\n")
    place.drop("good.csv", ROW)
    (place.folder.drop / "link.csv").symlink_to(secret)
    (place.folder.drop / "folder.csv").mkdir()
    place.sync()
    assert place.rows("email") == [("a@b.example",)]
    assert secret.exists()
