"""Values that are not what they seem: instants, ids, numbers, characters. Each is read as meant, or set aside; none is
silently another."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm_platform.http.pages import get_path, get_path_or_none, rows, with_fields
from gtm_platform.ingest.record import (
    Id,
    MaybeAmount,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Reader,
    Record,
    Rejected,
    at,
)
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.faults.model import POST, Post, adds_up, as_of
from gtm_platform_tests.ingest.syncing import Clock, Syncing

FIRST = datetime(2026, 3, 1, tzinfo=UTC)


class Letter(Record):
    id: Id = at("id", default=...)
    text: MaybeText = at("text")
    count: MaybeInt = at("count")
    amount: MaybeAmount = at("amount")
    share: float | None = at("share")
    sent_at: MaybeInstant = at("sent_at")


READER = Reader(Letter)


def read(**members: str) -> Letter | Rejected:
    """What a record with these members, given as JSON, is read as, out of a page with a good one beside it."""
    raw = "{" + ",".join(f'"{name}":{value}' for name, value in {"id": "7", **members}.items()) + "}"
    good, _, rejected = READER.read(rows(b'{"data":[{"id":"good"},' + raw.encode() + b"]}"))
    assert good[0] == Letter(id="good")
    return rejected[0] if rejected else good[1]


def reason(**members: str) -> str:
    found = read(**members)
    assert isinstance(found, Rejected), found
    return found.reason


@pytest.mark.faults("P9")
@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 31)))
def test_the_unit_of_an_instant_is_the_one_in_which_its_year_is_likely(moment: datetime) -> None:
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    whole = datetime.fromtimestamp(seconds, UTC)
    for value in (f"{seconds}", f"{seconds}000", f'"{seconds}"', f'"{seconds}000"'):
        assert read(sent_at=value) == Letter(id="7", sent_at=whole)
    for value in (f"{seconds}000000", f"{seconds}000000000", f'"{seconds}000000"'):
        assert reason(sent_at=value).startswith("sent_at: ")


@pytest.mark.faults("P10")
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-01T00:00:00+05:45", "2025-12-31T18:15:00"),
        ("2026-01-01T00:00:00-12:00", "2026-01-01T12:00:00"),
        ("2026-03-29T02:30:00", "2026-03-29T02:30:00"),  # not there, or there twice, where clocks change:
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00"),  # without a zone it is UTC, where they never do
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00"),
    ],
)
def test_instants_are_utc_whatever_zone_they_were_told_in(written: str, meant: str) -> None:
    assert read(sent_at=f'"{written}"') == Letter(id="7", sent_at=datetime.fromisoformat(meant + "+00:00"))


@pytest.mark.faults("P7", "P10")
@pytest.mark.parametrize(
    "odd",
    [
        "2026-01-01T24:00:00Z",
        "2026-06-30T23:59:60Z",
        "0001-01-01T00:00:00Z",
        "2999-12-31T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00 Europe/Berlin",
        "2026-01-01T00:00:00+25:00",
        "01/02/2026",
        "2026-W01-1",
        "20260101",
        "now",
    ],
)
def test_an_instant_that_can_be_meant_in_two_ways_or_none_is_set_aside(odd: str) -> None:
    assert reason(sent_at=f'"{odd}"').startswith("sent_at: ")


@pytest.mark.faults("P11")
@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("0", "0"),
        ("7", "7"),
        ("7.0", "7"),
        ('" a b "', "a b"),
        ("9007199254740993", "9007199254740993"),
        ('"9007199254740993.0"', "9007199254740993.0"),
        (str(2**70), str(2**70)),
    ],
)
def test_ids_are_texts_to_the_last_digit(token: str, expected: str) -> None:
    assert read(id=token) == Letter(id=expected)


@pytest.mark.faults("P11")
@pytest.mark.parametrize("token", ["null", '""', '"  "', "true", "[]", "{}", "9007199254740993.0", "1e300"])
def test_an_id_that_is_none_or_not_sure_is_set_aside(token: str) -> None:
    assert reason(id=token).startswith("id: ")


@pytest.mark.faults("P11")
def test_a_record_without_any_id_is_set_aside() -> None:
    _, _, (rejected,) = READER.read([b'{"text":"x"}'])
    assert (rejected.reason, rejected.record_id, rejected.key) == ("id: missing", None, None)


@pytest.mark.faults("P12")
@pytest.mark.parametrize(
    ("field", "token"),
    [("count", str(2**63)), ("count", str(2**70)), ("count", f"{2**53}.5"), ("amount", str(2**70)), ("amount", "1e17")],
)
def test_a_number_too_large_is_set_aside_and_never_rounded(field: str, token: str) -> None:
    found = read(**{field: token})
    assert isinstance(found, Rejected)
    assert found.reason.startswith(f"{field}: ")
    assert (found.record_id, found.key) == ("7", ("7",))


@pytest.mark.faults("P12")
def test_a_number_that_fits_keeps_all_its_digits() -> None:
    found = read(count=str(2**63 - 1), amount="999999999999999999", text=str(2**70))
    assert isinstance(found, Letter)
    assert (found.count, found.amount, found.text) == (2**63 - 1, 10**18 - 1, str(2**70))


@pytest.mark.faults("P13")
@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["count", "amount", "share"])
def test_what_is_no_number_is_nothing(field: str, token: str) -> None:
    assert read(**{field: token, "text": f'"{token}"'}) == Letter(id="7", text=token)


@pytest.mark.faults("P13")
@pytest.mark.parametrize("field", ["count", "amount", "share"])
def test_a_number_beyond_all_is_set_aside_by_its_id(field: str) -> None:
    found = read(**{field: "1e400"})
    assert isinstance(found, Rejected)
    assert (found.record_id, found.reason.split(":")[0]) == ("7", field)


@pytest.mark.faults("P17")
def test_of_a_name_given_twice_the_last_counts_wherever_it_is_read() -> None:
    twice = b'{"id":"first","count":1,"id":"last","count":2}'
    ((letter,), _, _) = READER.read([twice])
    assert (letter.id, letter.count) == ("last", 2)
    assert (get_path_or_none(twice, "id"), get_path(twice, "count")) == ("last", 2)
    assert json.loads(with_fields(twice, more=3)) == {"id": "last", "count": 2, "more": 3}
    assert rows(b'{"data":[1],"data":[2]}') == [b"2"]


@pytest.mark.faults("P17")
def test_what_is_not_quite_json_is_set_aside_by_the_reader_as_by_the_page() -> None:
    _, _, (rejected,) = READER.read([b'{"id":"1",}'])
    assert rejected.reason == "record: json_invalid"
    assert get_path_or_none(b'{"id":"1",}', "id") is None


ODD = {
    "half a pair": ('"x\\ud800"', "x\ufffd"),
    "nothing": ('"x\\u0000y"', "x\x00y"),
    "a control": ('"x\\u0007"', "x\x07"),
    "turned": ('"\\u202ex"', "\u202ex"),
    "no width": ('"x\\u200b"', "x\u200b"),
    "four bytes": ('"\\ud83d\\ude00"', "\U0001f600"),
    "in parts": ('"e\\u0301"', "e\u0301"),
}


@pytest.mark.faults("P14", "P15")
def test_characters_are_stored_as_they_came_and_none_stops_the_others(tmp_path: Path) -> None:
    told = ",".join(f'{{"id":"{id}","text":{text},"changed_at":1767225600}}' for id, (text, _) in ODD.items())
    syncing = Syncing(Lake(tmp_path), POST, Clock(FIRST + timedelta(days=1, minutes=15)))
    (filled,) = syncing.fill(Post([f'{{"data":[{told}]}}'.encode()]), "notes", FIRST)
    adds_up([filled], len(ODD))
    found = {row["id"]: row["text"] for row in as_of(syncing, "notes", FIRST + timedelta(days=1))}
    assert found == {id: text for id, (_, text) in ODD.items()}
