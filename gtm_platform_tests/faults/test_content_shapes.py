"""Records of shapes that nobody expected: huge, deep, of other types, with fields that came or went. One bad record
never costs its neighbours, and what was known of it stays."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.http.pages import repair_json
from gtm_platform.ingest.extract import LARGEST_KEPT
from gtm_platform.ingest.record import Id, Instant, MaybeInt, MaybeText, Record, at
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import WindowResult
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.faults.model import POST, Note, Post, adds_up, as_of, ids
from gtm_platform_tests.ingest.syncing import Clock, Syncing

FIRST, DAY = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=1)
WEEK = FIRST + 7 * DAY
MOVED = int((FIRST - DAY).timestamp())


@pytest.fixture
def syncing(tmp_path: Path) -> Syncing:
    return Syncing(Lake(tmp_path), POST, Clock(FIRST))


def fill(syncing: Syncing, start: datetime, *raws: str, pages: int = 1, stored: int | None = None) -> WindowResult:
    syncing.clock.now = start + timedelta(days=1, minutes=15)
    body = f'{{"data":[{",".join(raws)}]}}'.encode()
    return adds_up(syncing.fill(Post([body] * pages), "notes", start), stored)


def note(key: str, text: str = '"x"', more: str = "") -> str:
    return f'{{"id":"{key}","text":{text},"changed_at":{MOVED}{more}}}'


def stored(syncing: Syncing, start: datetime = FIRST) -> dict[str, Any]:
    return {row["id"]: row["text"] for row in as_of(syncing, "notes", start + DAY)}


def payloads(syncing: Syncing, start: datetime = FIRST) -> list[str]:
    table = syncing.lake.partition("quarantine/post_notes", syncing.slot(start).key)
    return [row["payload"] for row in table.to_pyarrow().to_pylist()]


@pytest.mark.faults("P16")
def test_a_megabyte_of_text_and_ten_thousand_properties_are_a_record(syncing: Syncing) -> None:
    crowd = "".join(f',"property_{n}":{n}' for n in range(10_000))
    filled = fill(syncing, FIRST, note("long", json.dumps("x" * 2**20)), note("wide", more=crowd))
    assert (filled.rows, filled.quarantined) == (2, 0)
    assert len(stored(syncing)["long"]) == 2**20


@pytest.mark.faults("P16")
@pytest.mark.parametrize("depth", [300, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[]", "{}"])
def test_a_record_of_any_depth_is_set_aside_alone(syncing: Syncing, depth: int, opening: str) -> None:
    begin, end = ("[", "]") if opening == "[]" else ('{"a":', "}")
    deep = note("deep", more=f',"more":{begin * depth}1{end * depth}')
    filled = fill(syncing, FIRST, note("one"), deep, note("two"))
    assert (filled.read, filled.rows, filled.quarantined) == (3, 2, 1)
    assert ids(as_of(syncing, "notes", FIRST + DAY)) == ["one", "two"]
    assert syncing.quarantined("notes", FIRST) == [("deep", "record: json_invalid")]
    assert all(len(payload) <= LARGEST_KEPT for payload in payloads(syncing))


def test_brackets_in_texts_are_not_depth() -> None:
    text = json.dumps({"a": '[{"\\' * 1_000, "b": [1, {"c": "]"}]}).encode()
    assert repair_json(text) == text


@pytest.mark.faults("P16")
def test_of_a_large_record_that_is_set_aside_its_beginning_is_kept(syncing: Syncing) -> None:
    large = note("large", json.dumps("x" * 2**20)).replace(str(MOVED), '"soon"')
    filled = fill(syncing, FIRST, large, note("one"), pages=2)
    assert (filled.read, filled.quarantined, filled.duplicates) == (4, 1, 2)
    (payload,) = payloads(syncing)
    assert payload == large[:LARGEST_KEPT]


@pytest.mark.faults("P18")
@pytest.mark.parametrize("drifted", ["[1]", "{}", '{"value":"x"}', "true"])
def test_a_text_that_became_something_else_is_set_aside_and_what_was_known_stays(
    syncing: Syncing, drifted: str
) -> None:
    fill(syncing, FIRST, note("one"), note("two"))
    for _ in range(2):
        filled = fill(syncing, WEEK, note("one", drifted), note("two", "12"), stored=1)
        assert (filled.rows, filled.quarantined) == (2, 1)
        assert stored(syncing, WEEK) == {"one": "x", "two": "12"}
        assert dict(filled.reasons) == {"text: string_type": 1}


@pytest.mark.faults("P18")
@pytest.mark.parametrize("drifted", ["7", '"x"', "null", "[]", "true"])
def test_a_record_that_became_something_else_is_set_aside(syncing: Syncing, drifted: str) -> None:
    filled = fill(syncing, FIRST, note("one"), drifted)
    assert (filled.rows, filled.quarantined) == (1, 1)


@pytest.mark.faults("P19")
def test_a_first_page_of_nothing_but_nulls_says_nothing_of_the_types(syncing: Syncing) -> None:
    syncing.clock.now = FIRST + DAY + timedelta(minutes=15)
    bodies = [f'{{"data":[{note(key, text)}]}}'.encode() for key, text in (("one", "null"), ("two", '"x"'))]
    adds_up(syncing.fill(Post(bodies), "notes", FIRST), 2)
    assert stored(syncing) == {"one": None, "two": "x"}


@pytest.mark.faults("P19")
def test_a_field_that_came_is_kept_in_the_payload_and_one_that_went_is_null(syncing: Syncing) -> None:
    """Each record is sent whole, so that a field that is not there has no value."""
    fill(syncing, FIRST, note("one", more=',"colour":"red"'))
    rows = syncing.lake.partition("post/notes", syncing.slot(FIRST).key).to_pyarrow().to_pylist()
    assert json.loads(rows[0]["payload"])["colour"] == "red"
    filled = fill(syncing, WEEK, f'{{"id":"one","words":"x","changed_at":{MOVED}}}')
    assert (filled.rows, filled.quarantined) == (1, 0)
    assert stored(syncing, WEEK) == {"one": None}


class Longer(Record):
    """A note of which more is read."""

    id: Id = at("id", default=...)
    text: MaybeText = at("text")
    length: MaybeInt = at("length")
    changed_at: Instant = at("changed_at", default=...)


def evolved(record: type[Record]) -> Source:
    return replace(POST, streams=(Stream("notes", record, Post.pages, cursor_field="changed_at"),))


@pytest.mark.faults("P19")
def test_a_column_that_is_declared_later_is_null_where_it_was_not_read(syncing: Syncing) -> None:
    fill(syncing, FIRST, note("one", more=',"length":1'), note("two"))
    later = Syncing(syncing.lake, evolved(Longer), syncing.clock)
    assert [row["length"] for row in as_of(later, "notes", FIRST + DAY)] == [None, None]
    moved = int((FIRST + 1.5 * DAY).timestamp())
    fill(later, FIRST + DAY, note("one", more=',"length":2').replace(str(MOVED), str(moved)))
    assert [row["length"] for row in as_of(later, "notes", FIRST + 2 * DAY)] == [2, None]
    fill(later, FIRST + DAY, stored=0)  # run again: what the window holds stays, in the new columns
    assert [row["length"] for row in as_of(later, "notes", FIRST + 2 * DAY)] == [2, None]
    again = Syncing(syncing.lake, evolved(Note), syncing.clock)  # and a column that is no longer declared is not read
    assert "length" not in as_of(again, "notes", FIRST + 2 * DAY)[0]
    assert "post/notes" in TABLES
