"""The drop folder: each file is picked up once, its original is kept, and its rows stand in the lake."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from gtm_platform import sealed_files
from gtm_platform.ingest.files.outcome import outcome_of
from gtm_platform.state import dropped_files as register
from gtm_platform_tests.ingest.files.drops import NOW, Place
from gtm_platform_tests.lake.keys import K1, require_packages, use_keys

HEADER = "email,name\n"


def test_a_source_is_off_until_a_file_is_dropped(place: Place) -> None:
    off = place.source.off()
    assert off is not None
    assert str(place.folder.drop) in off
    place.drop("guests.csv", HEADER + "a@b.example,A\n")
    assert place.source.off() is None
    place.sync()
    assert place.source.off() is None


def test_a_file_is_read_once_and_its_original_kept(place: Place) -> None:
    content = HEADER + "a@b.example,A\n"
    place.drop("guests.csv", content)
    assert place.sync().rows == 1
    assert place.folder.waiting() == []
    (file,) = place.folder.files("read")
    assert place.folder.original(file).read_text() == content
    assert (file.name, file.received_at, file.run_id) == ("guests.csv", NOW, "run")
    assert place.sync().rows == 1
    assert place.rows("email", "line", "file") == [("a@b.example", 2, "guests.csv")]


def test_under_a_key_the_original_is_encrypted_and_can_be_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_packages()
    use_keys(monkeypatch, K1)
    content = HEADER + "a@b.example,Ada\n"
    place.drop("guests.csv", content)
    assert place.sync().rows == 1
    (file,) = place.folder.files("read")
    original = place.folder.original(file)
    assert (sealed_files.key_of(original), sealed_files.read_text(original)) == ("k1", content)
    assert b"a@b.example" not in original.read_bytes()
    place.drop("guests again.csv", content)
    place.sync(full_refresh=True)
    assert place.rows("email", "name") == [("a@b.example", "Ada")]
    assert [path.name for path in place.folder.originals.iterdir() if path.name != ".lock"] == [original.name]
    assert place.folder.waiting() == []


def test_the_same_content_again_is_read_once(place: Place) -> None:
    place.drop("guests.csv", HEADER + "a@b.example,A\n")
    place.sync()
    place.drop("copy of guests.csv", HEADER + "a@b.example,A\n")
    place.sync()
    (file,) = place.folder.files("read", "accepted", "refused")
    assert file.name == "guests.csv"
    assert file.dropped_again_at == NOW
    assert place.folder.waiting() == []


def test_of_two_files_of_a_day_the_later_one_counts(place: Place) -> None:
    place.drop("1.csv", HEADER + "a@b.example,Old\nb@b.example,Only here\n")
    place.sync()
    place.drop("2.csv", HEADER + "a@b.example,New\n")
    place.sync()
    assert place.rows("email", "name") == [("a@b.example", "New"), ("b@b.example", "Only here")]
    place.sync(full_refresh=True)
    assert place.rows("email", "name") == [("a@b.example", "New"), ("b@b.example", "Only here")]


def test_of_two_rows_of_a_file_the_later_one_counts(place: Place) -> None:
    place.drop("1.csv", HEADER + "a@b.example,First\na@b.example,Second\n")
    assert place.sync().duplicates == 1
    assert place.rows("name", "line") == [("Second", 3)]
    (file,) = place.folder.files("read")
    assert outcome_of(file).report.accepted == 2


def test_a_file_counts_as_of_the_newest_window_that_has_closed(place: Place) -> None:
    place.drop("1.csv", HEADER + "a@b.example,A\n")
    assert place.sync().key == "2026-03-04"
    place.set_clock(datetime(2026, 3, 6, 0, 0, tzinfo=UTC))
    place.drop("2.csv", HEADER + "b@b.example,B\n")
    assert (place.sync().rows, place.newest.key) == (1, "2026-03-05")
    place.set_clock(datetime(2026, 3, 6, 23, 59, 59, tzinfo=UTC))
    place.drop("3.csv", HEADER + "c@b.example,C\n")
    place.sync()
    as_of = [file.as_of for file in place.folder.files("read")]
    assert [f"{moment:%d %H:%M}" for moment in as_of] == ["04 10:30", "05 00:00", "05 23:59"]
    assert [row[0] for row in place.rows("email")] == ["a@b.example", "b@b.example", "c@b.example"]


def test_a_row_that_cannot_be_read_keeps_the_version_before(place: Place) -> None:
    place.drop("1.csv", "email,name,age\na@b.example,A,30\n")
    place.sync()
    place.drop("2.csv", "email,name,age\na@b.example,A,thirty\n")
    assert place.sync(full_refresh=True).quarantined == 1
    assert place.rows("email", "age") == [("a@b.example", 30)]
    assert place.quarantined() == [("2.csv:2", "age is not a whole number")]


def test_an_original_that_was_deleted_takes_its_rows_along(place: Place) -> None:
    place.drop("1.csv", HEADER + "a@b.example,A\n")
    place.drop("2.csv", HEADER + "b@b.example,B\n")
    place.sync()
    first, _ = place.folder.files("read")
    place.folder.original(first).unlink()
    place.sync(full_refresh=True)
    assert place.rows("email") == [("b@b.example",)]
    place.set_clock(NOW + timedelta(days=1))
    place.drop("1.csv", HEADER + "a@b.example,A\n")
    place.sync()
    assert place.rows("email") == [("a@b.example",), ("b@b.example",)]


def test_a_refused_file_is_kept_and_does_not_hold_up_the_others(place: Place) -> None:
    place.drop("1.csv", "who,what\nJane,tea\n")
    place.drop("2.csv", HEADER + "b@b.example,B\n")
    assert place.sync().rows == 1
    (refused,) = place.folder.files("refused")
    assert place.folder.original(refused).exists()
    assert refused.settled_at == NOW
    place.drop("1.csv", "who,what\nJane,tea\n")  # perhaps the platform has learnt its headings since
    place.sync()
    assert [file.id for file in place.folder.files("refused")] == [refused.id]


def test_a_file_that_is_being_written_is_left_alone(place: Place) -> None:
    place.drop("guests.csv", HEADER, complete=False)
    for name in (".hidden.csv", "~$guests.csv", "guests.csv.part", "guests.crdownload"):
        place.drop(name, HEADER + "a@b.example,A\n")
    place.folder.collect()
    assert [path.name for path in place.folder.waiting()] == ["guests.csv"]
    os.utime(place.folder.drop / "guests.csv", (time.time() - 60,) * 2)
    place.folder.collect()
    assert place.folder.waiting() == []


@pytest.mark.parametrize("moved", [True, False], ids=["after it was moved", "before it was moved"])
def test_what_a_process_that_died_had_begun_is_finished(
    place: Place, moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It registers a file, moves it, then looks through it."""
    path = place.drop("guests.csv", HEADER + "a@b.example,A\n")
    dies = "_look_through" if moved else "original"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(place.folder), dies, killed)
        with pytest.raises(KeyboardInterrupt):
            place.folder.collect()
    assert path.exists() is not moved
    assert [file.status for file in place.folder.unread()] == [register.RECEIVED]
    place.sync()
    assert place.rows("email") == [("a@b.example",)]
    assert [file.status for file in place.folder.files("read", "accepted", "received")] == ["read"]


def test_a_file_whose_sync_failed_is_read_by_the_next(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.drop("guests.csv", HEADER + "a@b.example,A\n")

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(place.lake), "write", full)
        with pytest.raises(OSError, match="space"):
            place.sync()
    assert [file.status for file in place.folder.unread()] == [register.ACCEPTED]
    place.sync()
    assert place.rows("email") == [("a@b.example",)]
    assert place.folder.unread() == []


def test_files_of_weeks_are_a_table(place: Place) -> None:
    for day in range(3):
        place.set_clock(NOW + timedelta(days=day * 7))
        place.drop(f"{day}.csv", HEADER + f"a@b.example,{day}\n{day}@b.example,x\n")
        place.sync()
    assert place.rows("email", "name") == [
        ("0@b.example", "x"),
        ("1@b.example", "x"),
        ("2@b.example", "x"),
        ("a@b.example", "2"),
    ]
