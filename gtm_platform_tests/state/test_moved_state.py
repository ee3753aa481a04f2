"""A state in a file under keys: made, moved to another while processes write, copied, refused without its key."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from gtm_platform.backups.restoring import restore_state
from gtm_platform.keyring import KeyProblem
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state, sqlite_files, state_file
from gtm_platform.state.schema import VERSION
from gtm_platform.state.sqlite_copy import copy_database, keep_before_migration, version_of
from gtm_platform_tests.lake.keys import K1, K2, OTHER_K1, require_packages, use_keys

SECRET = "ada@lovelace.example"
ROWS_EACH = 5


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the state of the home lies; it is not there yet, and k1 encrypts."""
    require_packages()
    use_keys(monkeypatch, K1)
    return settings().home / "state.db"


def opened(path: Path) -> State:
    return open_state(f"sqlite:///{path}")


def note(state: State, *subjects: str) -> None:
    for subject in subjects:
        with state.writing() as tx:
            tx.execute(
                sa.text("insert into audit (at, actor, action, subject, detail) values ('', '', '', :n, '')"),
                {"n": subject},
            )


def noted(path: Path) -> list[str]:
    with closing(opened(path)) as state, state.reading() as tx:
        return sorted(tx.execute(sa.text("select subject from audit")).scalars())


def test_a_new_state_is_made_under_the_key_with_its_journal(path: Path) -> None:
    with closing(opened(path)) as state:
        note(state, SECRET)
        files = [file for file in path.parent.glob("state.*") if file.suffix != ".lock"]
        assert len(files) == 3, "the journal, too, while it is open"
        assert not any(SECRET.encode() in file.read_bytes() for file in files)
    assert sqlite_files.key_of(path) == "k1"
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("select * from audit")
    assert noted(path) == [SECRET]


@pytest.mark.faults("V16")
def test_without_the_right_key_a_sentence_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path).close()
    before = path.read_bytes()
    for keys, words in (
        ((), "state.db is encrypted, and GTM_KEYS has no key: put back k1"),
        ((K2,), r"none of the keys of GTM_KEYS \(k2\) opens it: put back k1"),
        ((OTHER_K1,), r"none of the keys of GTM_KEYS \(k1\) opens it: put back the one that it was encrypted with"),
    ):
        use_keys(monkeypatch, *keys)
        with pytest.raises(KeyProblem, match=words):
            opened(path)
    assert path.read_bytes() == before


def test_no_new_state_is_made_plain_in_a_home_that_is_encrypted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path).close()
    path.unlink()
    use_keys(monkeypatch)
    with pytest.raises(KeyProblem, match="nothing is written"):
        opened(path)
    assert not path.exists()


def test_nothing_is_lost_of_what_is_written_while_it_is_moved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain, two keys and plain again, under three writers whose engines stay open all the time."""
    use_keys(monkeypatch)
    opened(path).close()
    use_keys(monkeypatch, K1)
    moves = [(K1,), (K2, K1), ("plain", K2), (K1, K2)]
    turns, failures = [threading.Barrier(4) for _ in moves], list[BaseException]()

    def write(writer: int) -> None:
        try:
            with closing(opened(path)) as state:
                for number, turn in enumerate(turns):
                    turn.wait(300)
                    note(state, *(f"{writer}.{number}.{n}" for n in range(ROWS_EACH)))
        except BaseException as failure:
            failures.append(failure)
            raise

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    for turn, keys in zip(turns, moves, strict=True):
        turn.wait(300)
        use_keys(monkeypatch, *keys)
        assert state_file.move(path, "" if keys[0] == "plain" else keys[0].partition(":")[0])
        assert not state_file.move(path, sqlite_files.required_key_of(path))
    for writer in writers:
        writer.join()
    assert not failures
    assert noted(path) == sorted(f"{w}.{m}.{n}" for w in range(3) for m in range(len(moves)) for n in range(ROWS_EACH))
    state_file.remove_left_over(path)
    assert len(list(path.parent.glob("state*.db"))) == 2, "the link, and what it leads to"
    assert sqlite_files.key_of(path) == "k1"


ANOTHER_PROCESS = """
import sqlite3, sys
state = sqlite3.connect(sys.argv[1])
state.execute("select count(*) from audit").fetchone()
state.close()
"""


@pytest.mark.parametrize("keys", [(), ("plain", K1)], ids=["without keys", "with a key"])
def test_a_look_at_its_first_bytes_takes_no_lock_away(monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]) -> None:
    """Whoever closes a database last removes its journal, which it may not while somebody else has it open."""
    if keys:
        require_packages()
    use_keys(monkeypatch, *keys)
    path = settings().home / "state.db"
    with closing(opened(path)) as state:
        note(state, "before")
        with state.reading():
            assert sqlite_files.key_of(path) == ""
            assert version_of(path) == VERSION
            copy_database(path, path.with_name("copy.db"))
            subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, str(path)], check=True)
            assert path.with_name("state.db-wal").exists()


def test_a_move_that_died_is_done_again_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(opened(path)) as state:
        note(state, SECRET)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    use_keys(monkeypatch, K2, K1)
    with monkeypatch.context() as dying:
        dying.setattr(state_file, "_lead_to", die)
        with pytest.raises(KeyboardInterrupt):
            state_file.move(path, "k2")
    assert noted(path) == [SECRET]
    assert sqlite_files.key_of(path) == "k1"
    assert state_file.move(path, "k2")
    state_file.remove_left_over(path)
    use_keys(monkeypatch, K2)
    assert noted(path) == [SECRET]
    assert len(list(path.parent.glob("state.[0-9]*"))) == 1


def test_copies_are_under_the_same_key_and_can_be_gone_back_to(path: Path, tmp_path: Path) -> None:
    with closing(opened(path)) as state:
        note(state, SECRET)
    copy = tmp_path / "copy" / "state.db"
    copy_database(path, copy)
    kept = keep_before_migration(path)
    assert kept is not None
    assert {sqlite_files.key_of(copy), sqlite_files.key_of(kept)} == {"k1"}
    assert version_of(copy) == VERSION
    state_file.move(path, "")
    with closing(opened(path)) as state:
        note(state, "later")
    restore_state(kept, path.parent, settings().now())
    assert noted(path) == [SECRET]
    assert not list(path.parent.glob("state.[0-9]*"))


def test_a_copy_is_written_anew_under_another_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(opened(path)) as state:
        note(state, SECRET)
    use_keys(monkeypatch, K2, K1)
    assert sqlite_files.rewrite(path, "k2")
    assert not sqlite_files.rewrite(path, "k2")
    use_keys(monkeypatch, K2)
    assert noted(path) == [SECRET]
