"""A home copied while it runs and put back whole; a state brought up to date, and taken back to before."""

import io
import json
import os
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic import command as alembic
from alembic.config import Config

from gtm_platform.backups.making import Backup, LakeShrank, make
from gtm_platform.backups.manifest import Manifest, NotABackup
from gtm_platform.backups.restoring import restore, restore_state
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.lake import Lake
from gtm_platform.state import State, StateError, open_state, store
from gtm_platform.state.schema import VERSION, audit
from gtm_platform.state.sqlite_copy import copy_database, version_of
from gtm_platform_tests import first_files

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
LATER = datetime(2026, 3, 11, 8, tzinfo=UTC)
MADE_AGAIN = ("cache/queries.json", "runs/x.alive", "gtm.duckdb", "ui.log", "ui.lock", "spill/a")


def land(home: Path, table: str, partition: str, content: bytes, stamp: int = 1) -> Path:
    path = home / "lake" / table / f"{partition}.{stamp:020d}0000.full.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a state, a history, files of a lake, a dropped file, and what can be made again."""
    home = tmp_path / "home"
    home.mkdir()
    opened(home).close()
    note(home, "first")
    for name in ("runs", "0f3a"):
        path = home / "dagster" / "history" / f"{name}.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as history:
            history.execute("create table events (id integer)")
            history.commit()
    for day in ("2026-03-08", "2026-03-09"):
        land(home, "core/revenue", day, day.encode() * 100)
    for name in ("files/partners_csv/a.csv", "reports/weekly/2026-03-02/index.html", "first_day", "demo.json"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    for name in (*MADE_AGAIN, "lake/core/revenue/.draft"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("made again")
    return home


def opened(home: Path) -> State:
    return open_state(f"sqlite:///{home / 'state.db'}")


def note(home: Path, subject: str) -> None:
    with closing(opened(home)) as state, state.writing() as tx:
        tx.execute(audit.insert(), {"at": NOW, "actor": "a", "action": "b", "subject": subject, "detail": {}})


def noted(home: Path) -> list[str]:
    with closing(opened(home)) as state, state.reading() as tx:
        return list(tx.scalars(sa.select(audit.c.subject).order_by(audit.c.id)))


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder but for databases and hidden ones."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if ".db" not in path.name and not any(part.startswith(".") for part in Path(name).parts)
    }


@pytest.mark.parametrize("name", ["backup", "backup.tar", "backup.tar.gz"])
def test_what_was_backed_up_is_put_back_whole(home: Path, tmp_path: Path, name: str) -> None:
    made = make(Backup(home, NOW), tmp_path / name)
    note(home, "after it")
    restored = tmp_path / "another" / "home"
    manifest = restore(tmp_path / name, restored)
    assert manifest == made.manifest
    assert (manifest.state_version, manifest.made_at) == (VERSION, NOW.isoformat())
    assert contents(restored) == {name: content for name, content in contents(home).items() if name not in MADE_AGAIN}
    assert noted(restored) == ["first"]
    assert {path.name for path in (restored / "dagster/history").iterdir()} == {"runs.db", "0f3a.db"}
    assert not list(restored.parent.glob(".*")), "nothing half-made is left"


@pytest.mark.parametrize("kind", ["parent", "absolute", "link"])
def test_an_archive_writes_nowhere_else(home: Path, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    member = tarfile.TarInfo({"parent": "../../outside", "absolute": str(outside), "link": "lake"}[kind])
    member.size = len(b"content")
    if kind == "link":
        member.type, member.linkname, member.size = tarfile.SYMTYPE, str(tmp_path), 0
    make(Backup(home, NOW), tmp_path / "backup.tar")
    with tarfile.open(tmp_path / "backup.tar", "a") as archive:
        archive.addfile(member, io.BytesIO(b"content"))
    restored = tmp_path / "another" / "home"
    with pytest.raises(NotABackup, match="is no file of a backup"):
        restore(tmp_path / "backup.tar", restored)
    assert not outside.exists()
    assert not restored.exists()


def test_a_copy_that_is_made_while_others_write_is_of_one_moment(home: Path, tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        with closing(opened(home)) as state:
            while not ended.is_set():
                with state.writing() as tx:  # two rows, or none
                    for subject in ("one", "two"):
                        row = {"at": NOW, "actor": "a", "action": "b", "subject": subject, "detail": {}}
                        tx.execute(audit.insert(), row)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            copy_database(home / "state.db", tmp_path / f"{n}.db")
    finally:
        ended.set()
        writer.join()
    for n in range(5):
        with closing(sqlite3.connect(tmp_path / f"{n}.db")) as copy:
            assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
            counts = dict(copy.execute("select subject, count(*) from audit group by 1").fetchall())
        assert counts.get("one", 0) == counts.get("two", 0)


def test_only_what_is_new_in_the_lake_is_copied_again(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    make(Backup(home, NOW), target)
    old = next((target / "lake/core/revenue").glob("2026-03-08.*"))
    before = old.stat().st_ino
    land(home, "core/revenue", "2026-03-10", b"new")
    (home / "lake/core/revenue" / old.name.replace("2026-03-08", "2026-03-09")).unlink()
    second = make(Backup(home, LATER), target)
    assert old.stat().st_ino == before
    lake = sorted(name for name in second.manifest.files if name.startswith("lake/"))
    assert [Path(name).name[:10] for name in lake] == ["2026-03-08", "2026-03-10"]
    assert contents(target).keys() - {"manifest.json"} == {
        name for name in map(second.manifest.place, second.manifest.files) if ".db" not in name
    }
    restore(target, tmp_path / "restored")


def test_linked_files_are_the_same_files(home: Path, tmp_path: Path) -> None:
    make(Backup(home, NOW, link=True), tmp_path / "backup")
    name = "lake/core/revenue/2026-03-08.000000000000000000010000.full.parquet"
    assert os.path.samefile(home / name, tmp_path / "backup" / name)
    assert not os.path.samefile(home / "first_day", next((tmp_path / "backup").glob("rest-*/first_day")))


@pytest.mark.parametrize("at", ["manifest", "lake"])
def test_an_interrupted_backup_leaves_the_one_before_whole(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    target = tmp_path / "backup"
    first = make(Backup(home, NOW), target).manifest
    note(home, "second")
    (home / "first_day").write_text("changed")
    land(home, "core/revenue", "2026-03-10", b"new")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Backup, "_manifest" if at == "manifest" else "_one", killed)
    with pytest.raises(KeyboardInterrupt):
        make(Backup(home, LATER), target)
    assert restore(target, tmp_path / "restored") == first
    assert noted(tmp_path / "restored") == ["first"]
    monkeypatch.undo()
    make(Backup(home, LATER), target)
    restore(target, tmp_path / "another")
    assert noted(tmp_path / "another") == ["first", "second"]


def test_a_file_that_is_deleted_meanwhile_is_left_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    superseded = land(home, "core/revenue", "2026-03-08", b"old", stamp=0)
    listed = list(Backup(home, NOW)._files())
    monkeypatch.setattr(Backup, "_files", lambda _: iter(listed))
    superseded.unlink()
    for name in ("backup", "backup.tar"):
        assert superseded.name not in str(make(Backup(home, NOW), tmp_path / name).manifest.files)


def test_a_lake_that_was_lost_does_not_replace_its_backup(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    first = make(Backup(home, NOW), target).manifest
    shutil.rmtree(home / "lake")
    with pytest.raises(LakeShrank, match="has 0 files, where the backup has 2"):
        make(Backup(home, LATER), target)
    assert restore(target, tmp_path / "restored") == first
    make(Backup(home, LATER), target, force=True)


Damage = Callable[[Path], object]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "a file with other bytes": (lambda to: next(to.rglob("2026-03-09.*")).write_bytes(b"x" * 1000), "is damaged"),
    "a file that is gone": (lambda to: next(to.rglob("2026-03-09.*")).unlink(), "lacks lake/core/revenue"),
    "no manifest": (lambda to: (to / "manifest.json").unlink(), "has no manifest.json"),
    "half a manifest": (lambda to: os.truncate(to / "manifest.json", 100), "cannot be read"),
    "another format": (lambda to: altered(to, format=2), "later version"),
    "a newer state": (lambda to: altered(to, state_version="9999"), "this one knows states up to"),
}


def altered(to: Path, **values: object) -> None:
    path = to / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    home: Path, tmp_path: Path, damage: Damage, sentence: str
) -> None:
    make(Backup(home, NOW), tmp_path / "backup")
    damage(tmp_path / "backup")
    with pytest.raises(NotABackup, match=sentence):
        restore(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_cut_archive_is_refused(home: Path, tmp_path: Path) -> None:
    make(Backup(home, NOW), tmp_path / "backup.tar.gz")
    os.truncate(tmp_path / "backup.tar.gz", 200)
    with pytest.raises(NotABackup, match="cannot be read to its end"):
        restore(tmp_path / "backup.tar.gz", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_nothing_that_is_there_is_replaced(home: Path, tmp_path: Path) -> None:
    make(Backup(home, NOW), tmp_path / "backup")
    with pytest.raises(ValueError, match="is not empty"):
        restore(tmp_path / "backup", home)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    with pytest.raises(NotABackup, match="holds other files"):
        make(Backup(home, NOW), tmp_path / "full")
    with pytest.raises(ValueError, match="lies in the home itself"):
        make(Backup(home, NOW), home / "backup")
    with pytest.raises(ValueError, match="nothing to back up"):
        make(Backup(tmp_path / "no-home", NOW), tmp_path / "other")


def test_a_manifest_is_read_as_it_was_written(home: Path, tmp_path: Path) -> None:
    manifest = make(Backup(home, NOW), tmp_path / "backup").manifest
    assert Manifest.parse(manifest.text()) == manifest


def test_files_of_a_real_lake_answer_from_the_copy(home: Path, tmp_path: Path) -> None:
    declare("marts/sums", Contract({"n": Column("int64", "A number.", nullable=False)}, key=("n",), about="Numbers."))
    Lake(home / "lake").write("marts/sums", "2026-03-09", pa.table({"n": [1, 2, 39]}))
    make(Backup(home, NOW), tmp_path / "backup.tar.gz")
    restore(tmp_path / "backup.tar.gz", tmp_path / "restored")
    rows = Lake(tmp_path / "restored" / "lake").read_day("marts/sums", "2026-03-09")
    assert rows.n.sum().to_pyarrow().as_py() == 42


# --- an update, and back ---------------------------------------------------------------------------------------------


@pytest.fixture
def yesterdays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose state was written by the version of before, with a row in it."""
    monkeypatch.setattr(store, "_bring_up", first_files.migrate)
    home = tmp_path / "yesterdays"
    home.mkdir()
    config = Config()
    config.set_main_option("script_location", "gtm_platform.state:migrations")
    engine = sa.create_engine(f"sqlite:///{home / 'state.db'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.upgrade(config, f"{VERSION}-1")
        row = "'2026-03-01', 'a', 'b', 'kept', '{}'"
        connection.execute(sa.text(f"insert into audit (at, actor, action, subject, detail) values ({row})"))
    engine.dispose()
    return home


def test_yesterdays_state_goes_on_under_todays_version_and_its_copy_is_kept(yesterdays: Path) -> None:
    before = version_of(yesterdays / "state.db")
    assert before
    assert before < VERSION
    assert noted(yesterdays) == ["kept"]
    assert version_of(yesterdays / "state.db") == VERSION
    [copy] = (yesterdays / "state-copies").iterdir()
    assert (copy.name, version_of(copy)) == (f"state.{before}.db", before)


def test_the_state_of_before_is_put_back_and_that_of_today_put_aside(yesterdays: Path) -> None:
    before = version_of(yesterdays / "state.db")
    note(yesterdays, "after the update")
    [copy] = (yesterdays / "state-copies").iterdir()
    version, aside = restore_state(copy, yesterdays, NOW)
    assert version == before == version_of(yesterdays / "state.db")
    with closing(sqlite3.connect(yesterdays / "state.db")) as state:
        assert state.execute("select subject from audit").fetchall() == [("kept",)]
    with closing(sqlite3.connect(aside)) as replaced:
        assert replaced.execute("select subject from audit").fetchall() == [("kept",), ("after the update",)]
    with pytest.raises(NotABackup, match="is not a state"):
        restore_state(yesterdays / "no.db", yesterdays, NOW)


def test_a_backup_of_yesterday_is_restored_under_todays_version(yesterdays: Path, tmp_path: Path) -> None:
    before = version_of(yesterdays / "state.db")
    make(Backup(yesterdays, NOW), tmp_path / "backup")
    assert restore(tmp_path / "backup", tmp_path / "restored").state_version == before
    assert noted(tmp_path / "restored") == ["kept"]


def test_the_version_of_before_says_that_the_state_is_too_new(
    yesterdays: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older version does with a newer state: it refuses with a sentence, and leaves it as it is."""
    with closing(sqlite3.connect(yesterdays / "state.db")) as state:
        state.execute("update alembic_version set version_num = '9999'")
        state.commit()
    monkeypatch.setattr(store, "VERSION", "0014")
    with pytest.raises(StateError, match="written by another version"):
        opened(yesterdays)
    assert version_of(yesterdays / "state.db") == "9999"
    assert not (yesterdays / "state-copies").exists()
